"""Every setting of the application, read from the environment once.

docs/configure.md explains each variable, `.env.example` lists it with its default. A bad value stops the start with a
sentence that names the variable (releaseflow/environment.py).
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from crq.change_system.access import KINDS, access
from releaseflow import environment as env
from releaseflow import logs
from releaseflow.signin.provider import provider

BASE_DIR = Path(__file__).resolve().parent.parent
env.read(BASE_DIR / ".env")

# --- Who and where -------------------------------------------------------------------------------------------
DEMO = env.switch("DEMO")
DEBUG = env.switch("DEBUG")
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
SECRET_KEY = env.text("SECRET_KEY", "demo-only-" + "0" * 50 if DEMO or DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. Set it to a long random text, or set DEMO=1 to try things.")
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS", "")  # former keys: sessions and sealed secrets stay readable
SITE_URL = env.origin("SITE_URL", "http://localhost:8000")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", f"{urlsplit(SITE_URL).hostname},localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [
    env.checked_origin("CSRF_TRUSTED_ORIGINS", each) for each in env.names("CSRF_TRUSTED_ORIGINS", SITE_URL)
]
SECURE = SITE_URL.startswith("https://")
if DEMO and SECURE:
    raise ImproperlyConfigured("DEMO=1 lets anyone become anyone, so it refuses an https SITE_URL. Unset one of them.")

# --- The application -----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "releaseflow",
    "crq",
    "deployments",
    "workflow",
    "notifications",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
]
MIDDLEWARE = [
    "releaseflow.probes.ProbeMiddleware",
    "releaseflow.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "releaseflow.headers.HeadersMiddleware",
    "releaseflow.headers.PolicyMiddleware",
    "releaseflow.compression.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "releaseflow.addresses.AddressMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "releaseflow.signin.lifetime.LifetimeMiddleware",
    "releaseflow.logs.ActorMiddleware",
    "releaseflow.signed_out.SignedOutMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "releaseflow.signin.second_factor.SecondFactorMiddleware",
    "releaseflow.refusals.RefusalMiddleware",
]
ROOT_URLCONF = "releaseflow.urls"
WSGI_APPLICATION = "releaseflow.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "releaseflow.context.context",
            ],
            "builtins": [
                "workflow.templatetags.once",
                "workflow.templatetags.eastern_time",
                "workflow.templatetags.components",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
AUTH_USER_MODEL = "accounts.User"
SESSION_ENGINE = "accounts.signed_in"
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "sign-in", "my-tasks", "sign-in"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE, USE_I18N = "en-us", False
TIME_ZONE, USE_TZ = "America/New_York", True

# --- Database ------------------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'releaseflow.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"
        "PRAGMA recursive_triggers=ON;",  # a REPLACE that deletes meets the triggers that refuse it
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.whole("DATABASE_CONN_MAX_AGE", 60, least=0)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- Background work -----------------------------------------------------------------------------------------
REDIS_URL = env.server("REDIS_URL", "redis", "rediss")
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_ALWAYS_EAGER = not REDIS_URL  # without a broker the beat process does the work itself
CELERY_TIMEZONE, CELERY_ENABLE_UTC = "UTC", True
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: what is due stands in the database
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 300, 360
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # one format of logs for all processes
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600, "socket_timeout": 10, "socket_connect_timeout": 5} if REDIS_URL else {}
)
ENFORCE_EVERY = env.whole("ENFORCE_EVERY", 30, most=120)  # /readyz misses a tick after three minutes
DELIVER_EVERY = env.whole("DELIVER_EVERY", 5, most=60)  # also how long one pass may take

# --- Cache ---------------------------------------------------------------------------------------------------
# Holds how often somebody tried to sign in, nothing else. All processes must see the same number: Redis where there is
# one. Without it each web process counts for itself, so a limit is that many times as wide; for one small server.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "rf"}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
}

# --- E-mail --------------------------------------------------------------------------------------------------
EMAIL_CONFIG = env.mail("EMAIL_URL", "dummymail://" if DEMO else "consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = env.whole("EMAIL_TIMEOUT", 10 if REDIS_URL else 5, most=30)  # beat alone must not wait long
POST_HOSTS = env.hosts("POST_HOSTS", "")  # may have addresses inside a network
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", "releaseflow <releaseflow@example.com>")
MAIL_DOMAIN = DEFAULT_FROM_EMAIL.rstrip(">").rsplit("@", 1)[-1]

# --- Files ---------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "documents"
CLAMD_URL = env.scanner("CLAMD_URL")
DOCUMENT_MAX_BYTES = env.whole("DOCUMENT_MAX_MB", 25, most=1024) * 1024 * 1024
RETENTION_YEARS = env.whole("RETENTION_YEARS", 7, most=100)  # until `manage.py purge` may delete; nothing else does
STORAGES = {
    "default": env.bucket("DOCUMENTS_URL")
    or {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"file_permissions_mode": 0o640}},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Another change system -----------------------------------------------------------------------------------
CHANGE_SYSTEM = access(
    kind=env.one_of("CHANGE_SYSTEM", "manual", KINDS),
    url=env.text("CHANGE_SYSTEM_URL"),
    user=env.text("CHANGE_SYSTEM_USER"),
    password=env.text("CHANGE_SYSTEM_PASSWORD"),
    sign_in=env.one_of("CHANGE_SYSTEM_SIGN_IN", "basic", ("basic", "oauth")),
    file=env.text("CHANGE_SYSTEM_FIELDS"),
)

# --- Safety --------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.switch("BEHIND_PROXY") else None
CSRF_FAILURE_VIEW = "releaseflow.errors.form_refused"
SESSION_COOKIE_AGE = env.whole("SESSION_IDLE_MINUTES", 240, least=5, most=10_080) * 60  # unused for so long, it ends
SESSION_LIFETIME = env.whole("SESSION_HOURS", 12, most=168) * 3600  # used or not, it ends
if SECURE:  # a browser takes such a cookie from this very host only
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict would forget who follows a link in an e-mail
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY: dict[str, dict[str, list[Any]]] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its arrows so
        "connect-src": [SELF],
        "frame-src": [SELF],  # e-mails are shown in sandboxes
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Sign-in -------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["accounts.signed_in.Backend"]
REQUIRE_MFA = env.one_of("REQUIRE_MFA", "none", ("none", "administrators", "all"))
ACCOUNT_ADAPTER = "releaseflow.signin.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}  # with names as well a known address would take two looks at the password, and tell
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]  # nobody signs up, yet allauth wants to know
ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # addresses are an administrator's
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = not DEMO  # a demonstration becomes others there
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # this session stays, all others end
ACCOUNT_FORMS = {
    "login": "releaseflow.signin.forms.SignInForm",
    "reset_password": "releaseflow.signin.forms.ForgottenForm",
    "reset_password_from_key": "releaseflow.signin.forms.NewPasswordForm",
    "change_password": "releaseflow.signin.forms.ChangePasswordForm",
    "set_password": "releaseflow.signin.forms.SetPasswordForm",
    "reauthenticate": "releaseflow.signin.forms.PasswordForm",
}
ACCOUNT_RATE_LIMITS = {"login": "100/m/ip", "login_failed": "50/5m/ip,5/5m/key"}  # `key` is account and address
PASSWORD_RESET_TIMEOUT = 3600
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE_PROXY_SSL_HEADER else 0
MFA_ADAPTER = "releaseflow.signin.adapters.FactorAdapter"
MFA_FORMS = {
    "authenticate": "releaseflow.signin.forms.CodeForm",
    "reauthenticate": "releaseflow.signin.forms.ConfirmCodeForm",
    "activate_totp": "releaseflow.signin.forms.FirstCodeForm",
    "add_webauthn": "releaseflow.signin.forms.PasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "releaseflow"
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE  # http://localhost, where browsers allow passkeys as well
USERSESSIONS_ADAPTER = "allauth.usersessions.adapter.DefaultUserSessionsAdapter"
SOCIALACCOUNT_ADAPTER = "releaseflow.signin.adapters.ProviderAdapter"
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
OIDC_EMAIL_DOMAINS = [domain.lower().lstrip("@") for domain in env.names("OIDC_EMAIL_DOMAINS", "")]
OIDC = provider(
    name=env.text("OIDC_NAME", "single sign-on"),
    server_url=env.text("OIDC_SERVER_URL"),
    client_id=env.text("OIDC_CLIENT_ID"),
    secret=env.text("OIDC_CLIENT_SECRET"),
    claims=env.names("OIDC_CLAIMS", ""),
)
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [OIDC.app] if OIDC else []}}
if OIDC:  # Chromium holds the way to the provider against `form-action` as well
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(OIDC.origin)

# --- Logs and numbers ----------------------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN")
LOG_LEVEL = env.one_of("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.one_of("LOG_FORMAT", "plain" if DEMO or DEBUG else "json", ("json", "plain"))
LOGGING = logs.config(LOG_LEVEL, LOG_FORMAT)
