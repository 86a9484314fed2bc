"""Static files, served by whitenoise without pulling the other requests of an asynchronous chain into threads."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from config.http.middleware import AsyncCapableMiddleware, Next


class StaticFilesMiddleware(AsyncCapableMiddleware):
    """Answers what lies below STATIC_URL; everything else passes untouched."""

    def __init__(self, get_response: Next) -> None:
        super().__init__(get_response)
        self.files = WhiteNoiseMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The file, or the response of the chain; an awaitable of it in an asynchronous chain."""
        if self.is_async:
            return self._async_call(request)
        file = self._file(request) if _is_static(request) else None
        return file or cast(HttpResponseBase, self.get_response(request))

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        if _is_static(request):
            file = await sync_to_async(self._file, thread_sensitive=False)(request)
            if file is not None:
                return file
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        return await get_response(request)

    def _file(self, request: HttpRequest) -> HttpResponse | None:
        find = self.files.find_file if self.files.autorefresh else self.files.files.get
        file = find(request.path_info)
        if file is None:
            return None
        found = self.files.serve(file, request)
        # Read here, in this thread: an asynchronous server cannot iterate over a file.
        content = b"".join(found.streaming_content)
        # Not `found.close()`, which would tell everybody that the request is over, in the middle of it.
        if found.file_to_stream is not None:
            found.file_to_stream.close()
        return HttpResponse(content, status=found.status_code, headers=dict(found.items()))


def _is_static(request: HttpRequest) -> bool:
    return request.path_info.startswith(settings.STATIC_URL)
