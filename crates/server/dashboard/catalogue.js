// Well-known tools and their credential arguments, for completion: those of agno and iointel.

const TOOLS = `
agentql_* api_key
agno__api__make_request username password api_key
agno__browserbase__* api_key
agno__cartesia__* api_key
agno__confluence__* username password api_key
agno__dalle__create_image api_key
agno__desivocal__* api_key
agno__discord__* bot_token
agno__e2b__* api_key
agno_elevenlabs_* api_key
email_user sender_passkey
agno_exa_* api_key
agno__fal__* api_key
agno__financial_datasets__* api_key
agno__firecrawl__* api_key
agno__giphy__search_gifs api_key
agno__github__* access_token
agno__google_bigquery__* credentials
agno__google_maps__* key
agno__jinareader__* api_key
agno__jira__* username password token
agno__linear__* api_token
agno__lumalab__* api_key
agno__mem0__* api_key
agno__modelslab__* api_key
agno__openai__* api_key
agno__reddit__* client_id client_secret username password
agno__resend__send_email api_key
agno__scrapegraph__* api_key
agno__serpapi__search_* api_key
agno__slack__* token
agno__sql__* password
agno__tavily__web_search_* api_key
agno__telegram__send_message token
agno__todoist__* api_token
agno__trello__* api_key api_secret token
agno__twilio__* account_sid auth_token api_key api_secret
agno__webex__* access_token
agno__whatsapp__send_te* access_token
agno__x__* bearer_token consumer_key consumer_secret access_token access_token_secret
agno__zendesk__search_zendesk username password
agno__zep__* api_key
agno__zoom__* account_id client_id client_secret
cmc-* api_key
Crawler-* api_key
retrieval-engine-* api_key
Wolfram-query api_key
`;

/** `[{ pattern, arguments }]` */
export const catalogue = TOOLS.trim().split("\n").map((line) => {
  const [pattern, ...args] = line.split(" ");
  return { pattern, arguments: args };
});
