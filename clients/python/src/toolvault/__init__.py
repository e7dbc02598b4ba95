"""Toolvault: your agent's tools get the keys. Your agent doesn't."""

from ._injection.injected import Injected as Injected
from ._operations.reading import UNCHANGED as UNCHANGED
from ._secrets import secrets as secrets
from .async_client import AsyncToolvault as AsyncToolvault
from .client import Toolvault as Toolvault
from .confidential import Confidential as Confidential
from .errors import (
    ApiError as ApiError,
    ConfigurationError as ConfigurationError,
    Forbidden as Forbidden,
    NotFound as NotFound,
    PreconditionFailed as PreconditionFailed,
    Problem as Problem,
    QuotaExceeded as QuotaExceeded,
    RateLimited as RateLimited,
    SecretAmbiguous as SecretAmbiguous,
    SecretExpired as SecretExpired,
    SecretMissing as SecretMissing,
    SecretNotAvailable as SecretNotAvailable,
    ServerFailure as ServerFailure,
    TooLarge as TooLarge,
    ToolvaultError as ToolvaultError,
    Unauthorized as Unauthorized,
    Unavailable as Unavailable,
    UnexpectedAnswer as UnexpectedAnswer,
    Unresolved as Unresolved,
    ValidationError as ValidationError,
)
from .models import (
    Applied as Applied,
    AuditPage as AuditPage,
    Candidate as Candidate,
    Completed as Completed,
    ExplainedArgument as ExplainedArgument,
    Explanation as Explanation,
    GatewayExplanation as GatewayExplanation,
    IssuedKey as IssuedKey,
    Key as Key,
    Me as Me,
    NearSecret as NearSecret,
    Policy as Policy,
    PolicyApproval as PolicyApproval,
    PolicyInfo as PolicyInfo,
    Record as Record,
    Scope as Scope,
    SecretInfo as SecretInfo,
    SecretPage as SecretPage,
    ToolCall as ToolCall,
    Usage as Usage,
    User as User,
    Version as Version,
)
