"""The application: which address gives what, and how errors are said in each form."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import jinja2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from jobs.pool.folders import runtime_folder
from monitoring.errors import BadQuery, MonitoringError, NoSuchPage
from monitoring.panels.panel import Table
from monitoring.prometheus.exposition import CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE, exposition, wants_openmetrics
from monitoring.serve.access import Guard
from monitoring.serve.address import read_address
from monitoring.serve.csv_stream import CsvStream, csv_headers
from monitoring.serve.make_page import make_page, to_json
from monitoring.serve.stream import EventStream
from monitoring.serve.table import csv_of_panel, find_panel, stream_all_rows
from monitoring.serve.watch import Watchers
from monitoring.web.install import PAGE, STATIC, library_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from monitoring.serve.access import Access
    from monitoring.serve.address import Address
    from monitoring.serve.recipes import Recipes

__all__ = ["Dashboard", "make_app"]

_LIBRARY = frozenset({"uPlot.esm.js", "uPlot.min.css"})
_WATCHING_THREADS = 2
_ASKED_THREADS = 4

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Dashboard:
    """What answers requests.

    Args:
        recipes: of all pages.

    Attributes:
        server_id: another one after each start.
        watchers: of the pages that somebody has open.

    """

    def __init__(self, recipes: Recipes) -> None:
        self.server_id = f"{time.time_ns():x}"
        self._recipes = recipes
        # Pages that are watched must not keep one that was just asked for waiting.
        self._watching = ThreadPoolExecutor(_WATCHING_THREADS, thread_name_prefix="watch")
        self._asked = ThreadPoolExecutor(_ASKED_THREADS, thread_name_prefix="page")
        self.watchers = Watchers(recipes, self._watching)
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(PAGE.parent), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def close(self) -> None:
        """End the threads; what they are at is not waited for."""
        for threads in (self._watching, self._asked):
            threads.shutdown(wait=False, cancel_futures=True)

    async def html(self, request: Request) -> Response:
        """Answer with the shell of a page, which asks for its panels itself."""
        try:
            address = _address(request)
            recipe = await self._in_thread(lambda: self._recipes.find(address))
        except MonitoringError as error:
            return self._shell(request, "Not there" if isinstance(error, NoSuchPage) else "Not understood", error)
        return self._shell(request, recipe.title, None, address)

    async def json(self, request: Request) -> Response:
        """Answer with a whole page as JSON."""
        try:
            _, page = await make_page(self._recipes, _address(request), self._asked)
        except MonitoringError as error:
            return _json_error(error)
        return Response(page, media_type="application/json")

    async def csv(self, request: Request) -> Response:
        """Answer with one panel as CSV; a table has all rows that pass the filter."""
        key = request.query_params.get("panel", "")
        try:
            address = _address(request, besides="panel")
            recipe = await self._in_thread(lambda: self._recipes.find(address, every_row=True))
            maker = recipe.makers[find_panel(recipe, key)]
            name = "-".join(part for part in (address.campaign, address.site, key) if part)
            panel = await self._in_thread(maker.make)
            if address.kind == "jobs" and isinstance(panel.content, Table) and panel.content.paging is not None:
                return CsvStream(stream_all_rows(self._recipes, address, key), name)
            content = await self._in_thread(lambda: csv_of_panel(panel))
        except MonitoringError as error:
            return PlainTextResponse(f"{error}\n", _status(error))
        except sqlite3.Error as error:
            return PlainTextResponse(f"The store cannot be read now: {error}; try again.\n", 503)
        return Response(content, media_type="text/csv", headers=csv_headers(name))

    async def live(self, request: Request) -> Response:
        """Answer with the stream of a page's changes."""
        try:
            address = _address(request)
            await self._in_thread(lambda: self._recipes.find(address))
        except MonitoringError as error:
            return _json_error(error)
        return EventStream(self.watchers, address, self.server_id)

    async def metrics(self, request: Request) -> Response:
        """Answer to Prometheus."""
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        campaigns = self._recipes.campaigns
        page = await self._in_thread(lambda: exposition(campaigns.all(), time.time(), openmetrics=openmetrics))
        return Response(page, headers={"Content-Type": OPENMETRICS_CONTENT_TYPE if openmetrics else CONTENT_TYPE})

    async def library(self, request: Request) -> Response:
        """Answer with a file of uPlot, which the set-up installed; without it the page shows tables alone."""
        name = request.path_params["name"]
        folder = library_folder(runtime_folder())
        if folder is None or name not in _LIBRARY:
            return PlainTextResponse(f"{name}: not installed; `make setup` does that. The page goes on without.\n", 404)
        return FileResponse(folder / name, headers={"Cache-Control": "no-cache"})

    async def failed(self, request: Request, error: Exception) -> Response:
        """Answer where the dashboard itself failed."""
        _log.error("%s", request.url.path, exc_info=error)
        text = f"The dashboard failed here ({type(error).__name__}); its terminal says where. Other pages go on."
        if request.url.path.startswith("/json/"):
            return Response(to_json({"error": text}), 500, media_type="application/json")
        return PlainTextResponse(f"{text}\n", 500)

    def _shell(
        self, request: Request, title: str, error: MonitoringError | None, address: Address | None = None
    ) -> Response:
        path = request.path_params["path"]
        page = self._templates.get_template(PAGE.name if error is None else "error.html").render(
            title=title,
            path=address.path if address else path,
            # Relative, so that the page works behind a proxy's prefix, too.
            root="../" * path.count("/") or "./",
            server_id=self.server_id,
            error=str(error) if error else "",
        )
        return HTMLResponse(page, 200 if error is None else _status(error))

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._asked, work)


def make_app(dashboard: Dashboard, access: Access) -> Starlette:
    """Return the application.

    Args:
        dashboard: answers.
        access: who may look.

    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            dashboard.close()

    return Starlette(
        routes=[
            Route("/json/{path:path}", dashboard.json),
            Route("/csv/{path:path}", dashboard.csv),
            Route("/live/{path:path}", dashboard.live),
            Route("/metrics", dashboard.metrics),
            Route("/static/lib/{name}", dashboard.library),
            Mount("/static", _Static(directory=STATIC)),
            Route("/{path:path}", dashboard.html),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={Exception: dashboard.failed},
        lifespan=lifespan,
    )


class _Static(StaticFiles):
    """Files that a browser asks for again each time, and gets only if they changed: a page is open for weeks."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401 - passed on as they are
        """Answer with a file."""
        answer = super().file_response(*arguments, **options)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def _address(request: Request, besides: str = "") -> Address:
    query = [pair for pair in request.query_params.multi_items() if pair[0] != besides]
    return read_address(request.path_params["path"], query)


def _status(error: MonitoringError) -> int:
    if isinstance(error, NoSuchPage):
        return 404
    return 400 if isinstance(error, BadQuery) else 503


def _json_error(error: MonitoringError) -> Response:
    return Response(to_json({"error": str(error)}), _status(error), media_type="application/json")
