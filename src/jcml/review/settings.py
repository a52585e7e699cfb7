"""Django's settings, made from one file of the site: `review.toml` in the workbench's home.

The home is the folder that `JCML_REVIEW_HOME` names: settings, database, keys and checkpoints.
"""

from __future__ import annotations

import os
from pathlib import Path

from jcml.review.site import database, read_site, secret

HOME = Path(os.environ.get("JCML_REVIEW_HOME") or ".jcml-review").resolve()


SITE = read_site(HOME / "review.toml")
SECRET_KEY = secret(HOME)
DEBUG = False
ALLOWED_HOSTS = SITE["hosts"]
DATABASES = {"default": database(os.environ.get("JCML_REVIEW_DATABASE") or SITE["database"], HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "review.User"
ROOT_URLCONF = "jcml.review.urls"
USE_TZ, TIME_ZONE = True, "Asia/Shanghai"
USE_I18N, LANGUAGE_CODE = True, "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "/login", "/", "/login"

INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles",
    "axes", "jcml.review",
]
MIDDLEWARE = [
    "jcml.review.guard.LastResort",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jcml.review.guard.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    *(["django.contrib.auth.middleware.RemoteUserMiddleware"] if SITE["gateway_login"] else []),
    "jcml.review.guard.Person",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "jcml.review.guard.Refusals",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    *(["jcml.review.sign_on.GatewayBackend"] if SITE["gateway_login"] else []),
    *(["jcml.review.openid.Backend"] if SITE["oidc"] else []),
    *(["jcml.review.directory.Backend"] if SITE["ldap"] else []),
    "jcml.review.sign_on.PasswordBackend",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request", "django.contrib.messages.context_processors.messages", "jcml.review.guard.page",
            ],
        },
    }
]
STATIC_URL, STATIC_ROOT = "/static/", Path(__file__).parent / "static"  # what is bundled is what is served
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 600

PASSWORD_HASHERS = ["jcml.review.sign_on.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("username", "name")}},
    *([{"NAME": "jcml.review.sign_on.Composition"}] if SITE["passwords"] == "dengbao" else []),
]
PASSWORD_DAYS = 90 if SITE["passwords"] == "dengbao" else None  # 等保 asks for regular change, ASVS 6.2.10 advises against it
AXES_FAILURE_LIMIT, AXES_COOLOFF_TIME = 5, 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # neither one address nor one angry colleague locks anybody else out
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "jcml.review.views.login.locked_out"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_COOKIE_AGE = 30 * 60  # `guard.Person` prolongs it, once a minute: a write per page would be too many
SESSION_ABSOLUTE_SECONDS, SESSIONS_AT_ONCE = 12 * 3600, 2
SESSION_COOKIE_HTTPONLY, SESSION_COOKIE_SAMESITE, CSRF_COOKIE_HTTPONLY, CSRF_COOKIE_SAMESITE = True, "Lax", True, "Strict"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SITE["https"]
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # probes ask the server itself, not the gateway before it
SECURE_HSTS_SECONDS = 31_536_000 if SITE["https"] else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SITE["https"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SITE["https"] else None
SECURE_REFERRER_POLICY, X_FRAME_OPTIONS = "same-origin", "DENY"
CSRF_FAILURE_VIEW = "jcml.review.views.refusals.csrf_failed"
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"django": {"handlers": ["console"], "level": "WARNING"}, "axes": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
}
OIDC_RP_CLIENT_ID, OIDC_RP_CLIENT_SECRET = SITE["oidc"].get("client_id", ""), SITE["oidc"].get("client_secret", "")
OIDC_OP_AUTHORIZATION_ENDPOINT, OIDC_OP_TOKEN_ENDPOINT = SITE["oidc"].get("authorization", ""), SITE["oidc"].get("token", "")
OIDC_OP_USER_ENDPOINT, OIDC_OP_JWKS_ENDPOINT = SITE["oidc"].get("user", ""), SITE["oidc"].get("keys", "")
OIDC_CALLBACK_CLASS, LOGIN_REDIRECT_URL_FAILURE = "jcml.review.openid.Callback", "/login"
OIDC_RP_SIGN_ALGO, OIDC_CREATE_USER = SITE["oidc"].get("algorithm", "RS256"), False
AUTH_LDAP_NO_NEW_USERS = True
AUTH_LDAP_SERVER_URI, AUTH_LDAP_USER_DN_TEMPLATE = SITE["ldap"].get("server", ""), SITE["ldap"].get("user_dn", "")
SILENCED_SYSTEM_CHECKS = [] if SITE["https"] else ["security.W004", "security.W008", "security.W012", "security.W016"]
