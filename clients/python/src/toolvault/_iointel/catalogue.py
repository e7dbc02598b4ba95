"""The constructor arguments of iointel's tools that are credentials. Neither iointel nor its classes say which are."""

from __future__ import annotations

from dataclasses import dataclass

from .._pattern import matches

# iointel 1.13.0 with agno 1.5.5: service | tools | arguments, `*` after required ones | variables that its tools read.
_TABLE = """
AgentQL | agentql_* | api_key | AGENTQL_API_KEY
Api | agno__api__make_request | username password api_key
Browserbase | agno__browserbase__* | api_key | BROWSERBASE_API_KEY
Cartesia | agno__cartesia__* | api_key | CARTESIA_API_KEY
ClickUp | agno__clickup__* agno__cartesia__list_voices | api_key* | CLICKUP_API_KEY
Confluence | agno__confluence__* | username* password api_key* | CONFLUENCE_API_KEY CONFLUENCE_PASSWORD CONFLUENCE_USERNAME
Dalle | agno__dalle__create_image | api_key | OPENAI_API_KEY
DesiVocal | agno__desivocal__* | api_key | DESI_VOCAL_API_KEY
Discord | agno__discord__* | bot_token | DISCORD_BOT_TOKEN
E2B | agno__e2b__* | api_key | E2B_API_KEY
ElevenLabs | agno_elevenlabs_* | api_key | ELEVEN_LABS_API_KEY
Email | email_user | sender_passkey
Exa | agno_exa_* | api_key | EXA_API_KEY
Fal | agno__fal__* | api_key | FAL_KEY
FinancialDatasetsTools | agno__financial_datasets__* | api_key | FINANCIAL_DATASETS_API_KEY
Firecrawl | agno__firecrawl__* | api_key | FIRECRAWL_API_KEY
Giphy | agno__giphy__search_gifs | api_key | GIPHY_API_KEY
Github | agno__github__* | access_token* | GITHUB_ACCESS_TOKEN
Gmail | agno__gmail__* | creds_ credentials_path_ token_path_ | GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET
GoogleBigQuery | agno__google_bigquery__* | credentials
GoogleCalendar | google_calendar_* | credentials_path token_path
GoogleMaps | agno__google_maps__* | key | GOOGLE_MAPS_API_KEY
GoogleSheets | agno__google_sheets__* | creds creds_path token_path | GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET
JinaReader | agno__jinareader__* | api_key | JINA_API_KEY
Jira | agno__jira__* | username* password token* | JIRA_PASSWORD JIRA_TOKEN JIRA_USERNAME
Linear | agno__linear__* | api_token* | LINEAR_API_KEY
LumaLab | agno__lumalab__* | api_key | LUMAAI_API_KEY
Mem0 | agno__mem0__* | api_key | MEM0_API_KEY
ModelsLab | agno__modelslab__* | api_key | MODELS_LAB_API_KEY
OpenAI | agno__openai__* | api_key | OPENAI_API_KEY
OpenWeather | get_current_weather get_forecast get_air_pollution geocode_location | api_key | OPENWEATHER_API_KEY
Reddit | agno__reddit__* | client_id client_secret username password | REDDIT_CLIENT_ID REDDIT_CLIENT_SECRET REDDIT_PASSWORD REDDIT_USERNAME
Resend | agno__resend__send_email | api_key | RESEND_API_KEY
ScrapeGraph | agno__scrapegraph__* | api_key | SGAI_API_KEY
SerpApi | agno__serpapi__* | api_key | SERP_API_KEY
Slack | agno__slack__* | token* | SLACK_TOKEN
SQL | agno__sql__* | password
Tavily | agno__tavily__* | api_key | TAVILY_API_KEY
Telegram | agno__telegram__send_message | token | TELEGRAM_TOKEN
Todoist | agno__todoist__* | api_token | TODOIST_API_TOKEN
Trello | agno__trello__* | api_key api_secret token | TRELLO_API_KEY TRELLO_API_SECRET TRELLO_TOKEN
Twilio | agno__twilio__* | account_sid auth_token api_key api_secret | TWILIO_ACCOUNT_SID TWILIO_API_KEY TWILIO_API_SECRET TWILIO_AUTH_TOKEN
Webex | agno__webex__* | access_token | WEBEX_ACCESS_TOKEN
WhatsApp | agno__whatsapp__* | access_token | WHATSAPP_ACCESS_TOKEN
X | agno__x__* | bearer_token consumer_key consumer_secret access_token access_token_secret | X_ACCESS_TOKEN X_ACCESS_TOKEN_SECRET X_BEARER_TOKEN X_CONSUMER_KEY X_CONSUMER_SECRET
Zendesk | agno__zendesk__search_zendesk | username* password* | ZENDESK_PW ZENDESK_USERNAME
Zep | agno__zep__* | api_key | ZEP_API_KEY
Zoom | agno__zoom__* | account_id* client_id* client_secret* | ZOOM_ACCOUNT_ID ZOOM_CLIENT_ID ZOOM_CLIENT_SECRET
CoinMarketCap | cmc-* | api_key*
Crawler | Crawler-* | api_key*
RetrievalEngine | retrieval-engine-* | api_key*
Wolfram | Wolfram-query | api_key*
"""  # noqa: E501
# An argument with such a suffix names a user or a place, and is not confidential.
_PLACES = ("name", "_id", "_sid", "path", "path_")


@dataclass(frozen=True)
class Service:
    """The tools of one service. `arguments` has the credentials, with whether the tools require them."""

    name: str
    tools: tuple[str, ...]
    arguments: dict[str, bool]
    variables: tuple[str, ...]

    def environment(self, argument: str) -> list[str]:
        """The variables in which its tools look for an argument: those with a similar name, or all if there is none."""
        named = [one for one in self.variables if one.endswith(argument.upper())]
        return named or list(self.variables)

    def is_confidential(self, argument: str) -> bool:
        return argument in self.arguments and not argument.endswith(_PLACES)

    def is_reached(self, pattern: str, argument: str) -> bool:
        """Whether a secret with this pattern and argument would apply to one of its tools."""
        return argument in self.arguments and any(_overlaps(pattern, one) for one in self.tools)


def find(tool: str) -> tuple[Service, str] | None:
    """The service of this tool, and the pattern that matched."""
    found = [(one, pattern) for one in SERVICES for pattern in one.tools if matches(pattern, tool)]
    return max(found, key=lambda each: ("*" not in each[1], len(each[1])), default=None)


def _overlaps(pattern: str, tools: str) -> bool:
    """Whether some tool matches both; `tools` is a name, or a prefix and `*`."""
    beginning, is_open, _ = tools.partition("*")
    if not is_open:
        return matches(pattern, tools)
    start, wildcard, _ = pattern.partition("*")
    return start.startswith(beginning) or (bool(wildcard) and beginning.startswith(start))


def _service(line: str) -> Service:
    name, tools, arguments, *variables = (part.split() for part in line.split("|"))
    required = {one.removesuffix("*"): one.endswith("*") for one in arguments}
    return Service(" ".join(name), tuple(tools), required, tuple(one for part in variables for one in part))


SERVICES = tuple(_service(line) for line in _TABLE.strip().splitlines())
