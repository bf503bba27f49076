"""Hot path operations: the same signatures, resolved by a plan that is made once.

FastAPI finds out anew at each request what an operation's dependencies are; for the busiest
operations that takes longer than all they do. The document is made from the signature either way.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from demo.api.access import guard
from demo.api.problems import Refusal

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Made = dict[Any, Any]
Take = Callable[[Request, Made], Any]
Step = tuple[Callable[..., Awaitable[Any]], list[tuple[str, Take]]]
MISSING = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


# --8<-- [start:direct]
class Direct(APIRoute):
    """A route whose operation asks for the request, headers, path, one JSON body, and `Depends`."""

    direct: Handler | None = None

    def get_route_handler(self) -> Handler:
        """What runs for a request; FastAPI's own handler where the plan knows too little."""
        if not _plain(self.dependant):
            return super().get_route_handler()
        *before, (operation, takes) = _plan(self.dependant)
        if guard not in [call for call, _ in before]:
            raise TypeError(f"{self.name}: who asks must be settled first")
        body = self.body_field and (self.body_field.name, _reader(self.body_field.field_info))

        async def handle(request: Request) -> Response:
            made: Made = {}
            for call, arguments in before:
                made[call] = await call(**{name: take(request, made) for name, take in arguments})
            values = {name: take(request, made) for name, take in takes}
            if body:
                name, read = body
                values[name] = read((await request.receive())["body"])  # whole: see the shield
            response: Response = await operation(**values)
            return response

        self.direct = handle
        return handle

    # --8<-- [end:direct]


def _plain(one: Dependant) -> bool:
    more = one.query_params or one.cookie_params or one.response_param_name
    return not more and all(map(_plain, one.dependencies))


def _plan(operation: Dependant) -> list[Step]:
    """Every call once, after those it depends on."""
    steps: dict[Any, Step] = {}

    def add(one: Dependant) -> None:
        for other in one.dependencies:
            add(other)
        if one.call and one.call not in steps:
            steps[one.call] = (one.call, _takes(one))

    add(operation)
    return list(steps.values())


def _takes(one: Dependant) -> list[tuple[str, Take]]:
    takes: list[tuple[str, Take]] = []
    if one.request_param_name:
        takes.append((one.request_param_name, lambda request, _: request))
    takes += [(field.name, _header(field)) for field in one.header_params]
    takes += [(field.name, _part(field.name)) for field in one.path_params]
    takes += [(other.name, _result(other.call)) for other in one.dependencies if other.name]
    return takes


def _header(field: Any) -> Take:
    name, default = field.alias.replace("_", "-"), field.default
    return lambda request, _: request.headers.get(name, default)


def _part(name: str) -> Take:
    return lambda request, _: request.path_params[name]


def _result(call: Any) -> Take:
    return lambda _, made: made[call]


def _reader(field: Any) -> Callable[[bytes], Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])

    def read(body: bytes) -> Any:
        if not body:
            if field.is_required():
                raise RequestValidationError([MISSING])
            return field.default
        try:
            return adapter.validate_python(_parsed(body))
        except ValidationError as wrong:
            found = wrong.errors(include_url=False, include_context=False)
            told = [{**entry, "loc": ("body", *entry["loc"])} for entry in found]
            raise RequestValidationError(told) from wrong

    return read


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as wrong:  # no JSON, too deep, or a number of 60,000 digits
        raise Refusal("malformed-request", "The body is not JSON.") from wrong
