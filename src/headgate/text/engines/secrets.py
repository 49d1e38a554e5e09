"""Keys, tokens and passwords of services, by the detectors of detect-secrets that know a format.

Those that only measure entropy, or look at the name of a variable, are left out: they take order numbers, hashes and
prose for secrets; a password in an address is found with the address. Nothing is verified against a service: no
request leaves the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detect_secrets.plugins import (
    artifactory,
    aws,
    azure_storage_key,
    discord,
    github_token,
    gitlab_token,
    jwt,
    mailchimp,
    npm,
    openai,
    private_key,
    pypi_token,
    sendgrid,
    slack,
    square_oauth,
    stripe,
    telegram_token,
    twilio,
)

AROUND = " \t\n\r=:,;\"'"
TOKENS = jwt.JwtTokenDetector()
DETECTORS = (
    aws.AWSKeyDetector(), artifactory.ArtifactoryDetector(), azure_storage_key.AzureStorageKeyDetector(),
    discord.DiscordBotTokenDetector(), github_token.GitHubTokenDetector(),
    gitlab_token.GitLabTokenDetector(), TOKENS, mailchimp.MailchimpDetector(), npm.NpmDetector(),
    openai.OpenAIDetector(), pypi_token.PypiTokenDetector(), sendgrid.SendGridDetector(), slack.SlackDetector(),
    square_oauth.SquareOAuthDetector(), stripe.StripeDetector(), telegram_token.TelegramBotTokenDetector(),
    twilio.TwilioKeyDetector(),
)  # fmt: skip
KEYS = private_key.PrivateKeyDetector()
BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.{0,20000}?(?:-----END [^\n-]{0,60}-----|\Z)", re.DOTALL
)
# Keys of two model vendors, which detect-secrets 1.5 knows only in the form of 2023.
MODEL_KEYS = re.compile(r"(?<![\w-])sk-(?:proj|svcacct|admin|ant-[a-z]{2,8}\d{2})-[\w-]{20,200}")
LONG = re.compile(r"\S{16,}")  # every token has a run of signs without a space; a long word of small letters is none


def secret_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each secret; they may overlap."""
    if "PRIVATE KEY" in text and any(KEYS.analyze_string(text)):
        yield from (match.span() for match in BLOCK.finditer(text))
    if all(run.islower() for run in LONG.findall(text)):
        return
    yield from (match.span() for match in MODEL_KEYS.finditer(text))
    for detector in DETECTORS:
        for shape in detector.denylist:
            for match in shape.finditer(text):
                if detector is TOKENS and not TOKENS.is_formally_valid(match.group()):
                    continue
                token = match.group().strip(AROUND)  # some shapes begin with the sign before the key
                start = match.start() + match.group().find(token)
                yield start, start + len(token)
