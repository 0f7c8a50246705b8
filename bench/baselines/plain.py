"""Plain Celery: a task per message, or per 200 numbers, that calls the provider's SDK.

It has no ledger, no retry and no limit.

The strongest form that stays plain: the same pool, threads, acknowledgement and worker options as
the engine's own, and one SDK client per thread whose connection is kept, where many programs make a
client per call.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from celery import Celery

from bench.sandbox import APP, SECRET_ID, SECRET_KEY, SIGN
from bench.stack import THREADS
from config.celery import celery_options
from config.settings import Settings

TASK: Final = "bench.sms"
QUEUE: Final = "bench"

_local = threading.local()


def plain_app(redis_url: str) -> Celery:
    """The Celery app, for producers and for workers."""
    app = Celery("bench", broker=redis_url, set_as_current=False)
    options = celery_options(Settings(redis_url=redis_url, worker_threads=THREADS))
    ours = {"task_queues", "task_routes", "task_create_missing_queues"}
    app.conf.update({name: value for name, value in options.items() if name not in ours}, task_default_queue=QUEUE)
    app.task(name=TASK)(send)
    return app


def send(numbers: Sequence[str], template: str, params: Sequence[str]) -> None:
    """Send one text to one number or to up to 200.

    Raises:
        TencentCloudSDKException: The provider refuses the call.
    """
    from tencentcloud.sms.v20210111 import models  # noqa: PLC0415 - producers do without the SDK

    request = models.SendSmsRequest()
    request.PhoneNumberSet = list(numbers)
    request.SmsSdkAppId, request.TemplateId, request.SignName = APP, template, SIGN
    request.TemplateParamSet = list(params)
    _client().SendSms(request)


def _client() -> Any:  # noqa: ANN401 - the SDK has no types
    """This thread's client of the SDK."""
    if not hasattr(_local, "client"):
        from tencentcloud.common import credential  # noqa: PLC0415
        from tencentcloud.common.profile.client_profile import ClientProfile  # noqa: PLC0415
        from tencentcloud.common.profile.http_profile import HttpProfile  # noqa: PLC0415
        from tencentcloud.sms.v20210111.sms_client import SmsClient  # noqa: PLC0415

        endpoint = urlsplit(os.environ["BENCH_ENDPOINT"]).netloc
        http = HttpProfile(protocol="http", endpoint=endpoint, reqTimeout=10, keepAlive=True)
        profile = ClientProfile(httpProfile=http, language="en-US")
        _local.client = SmsClient(credential.Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile)
    return _local.client
