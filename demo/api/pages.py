"""What people see: the UI at `/`, the guide at `/guide/`, the API's own pages at `/docs`."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

from demo.api.access import PUBLIC

HERE = Path(__file__).parent
UI = HERE.parent / "ui"
WAIT = {"Retry-After": "3", "Refresh": "3", "Cache-Control": "no-store"}

router = APIRouter(include_in_schema=False)


@router.get("/docs", openapi_extra=PUBLIC)
async def docs() -> Response:
    """Swagger UI from a package, started by a file: no CDN, no inline script."""
    return FileResponse(HERE / "docs.html")


@router.get("/docs/start.js", openapi_extra=PUBLIC)
async def docs_start() -> Response:
    """Points Swagger UI at the document."""
    return FileResponse(HERE / "docs.js")


@router.get("/guide", openapi_extra=PUBLIC)
async def guide() -> Response:
    """The guide is a folder."""
    return RedirectResponse("/guide/")


class Guide(StaticFiles):
    """The built site; before it is built, a page that says so and asks again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file, a folder's index, or the site's own 404 page."""
        if (Path(str(self.directory)) / "index.html").is_file():
            await super().__call__(scope, receive, send)
        else:
            building = HTMLResponse((HERE / "building.html").read_text(), 503, WAIT)
            await building(scope, receive, send)


def install_files(app: FastAPI, site: Path) -> None:
    """Serve pages; path operations win over files."""
    app.mount("/guide", Guide(directory=site, html=True, check_dir=False))
    app.mount("/docs/assets", StaticFiles(directory=swagger_ui_path))
    app.frontend("/", directory=UI, fallback=None, check_dir=False)
