"""How a web process answers a request: in one go on one thread, unless the view itself waits in the event loop.

Django sends an asynchronous request through asynchronous middlewares, and only the view, its exceptions and its closing
to a thread, one change after the other. Here everything between request and response runs on one thread, as in a
synchronous server. Only a view that is a coroutine (a stream, which may last for hours) goes Django's own way.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix

from config.http.routes import keep_match, match_at, match_of
from config.request_threads import RequestThread, RequestThreads

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Handler(ASGIHandler):
    """Django, with threads that are kept."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = RequestThreads()
        self._synchronous = Synchronous()
        self._synchronous.load_middleware()
        # A thread between two requests has no connection that could be old, and nobody reads the queries of one before.
        # Every request would pay for that: with a change of threads at its start, in the event loop at its end.
        request_started.disconnect(close_old_connections)
        request_started.disconnect(reset_queries)
        request_finished.disconnect(close_old_connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match = match_at(scope["path"].removeprefix(scope.get("root_path", "")))
        if match is not None and iscoroutinefunction(match.func):
            async with self._thread_for_calls():
                await self.handle(scope, receive, send)
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with contextlib.closing(body):
            await request_started.asend(sender=type(self), scope=scope)
            request, refusal = self.create_request(scope, body)
            response = refusal if request is None else await self._served(keep_match(request, match), scope)
            assert response is not None  # there is always one of both
            await self._send(response, receive, send)

    async def _served(self, request: HttpRequest, scope: Scope) -> HttpResponseBase:
        def serve() -> HttpResponseBase:
            set_script_prefix(get_script_prefix(scope))
            return self._synchronous.get_response(request)

        context = contextvars.copy_context()
        thread = RequestThread(self._threads)
        response = await asyncio.wrap_future(thread.submit(context.run, serve))
        response._handler_class = type(self)  # type: ignore[attr-defined]
        return response

    async def _send(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        if not response.streaming:
            await self.send_response(response, send)
            response.close()  # it has all its bytes: nothing is left that could wait
            return
        async with self._thread_for_calls():
            try:
                await self._send_until_nobody_listens(response, receive, send)
            finally:
                await asyncio.wrap_future(RequestThread(self._threads).submit(response.close))

    async def _send_until_nobody_listens(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self.send_response(response, send))
        gone = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    def _thread_for_calls(self) -> ThreadSensitiveContext:
        return ThreadSensitiveContext(executor=RequestThread(self._threads))


class Synchronous(BaseHandler):
    """Django's synchronous chain, for requests of which it is known where they lead."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The view; a path that leads nowhere raises Resolver404, as always."""
        match = match_of(request)
        if match is None:
            return super().resolve_request(request)
        request.resolver_match = match
        return match
