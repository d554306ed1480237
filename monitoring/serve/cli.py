"""The command `sonicgrid dashboard`, which joins the command line by the entry point group "sonicgrid.commands"."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from jobs.cli.output import console, print_error
from jobs.cli.target import find_folder

if TYPE_CHECKING:
    from monitoring.serve.begin import Begun

__all__ = ["dashboard"]

PORT = 8090


def dashboard(
    campaigns: Annotated[
        list[str] | None,
        typer.Argument(metavar="CAMPAIGN", help="Specs, results folders, or names, beside those in --results."),
    ] = None,
    results: Annotated[
        Path, typer.Option(help="Every campaign below this folder is shown, new ones as they come.")
    ] = Path("results"),
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any but this machine's own makes a token necessary.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = PORT,
    token: Annotated[
        bool, typer.Option("--token", help="Ask for a token on this machine, too: others may be logged in.")
    ] = False,
    tls_certificate: Annotated[Path | None, typer.Option(help="Certificate for https, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, PEM; if it is not in the same file.")] = None,
    store_folder: Annotated[
        Path | None, typer.Option(help="Where the stores lie; by default with your own state, see the docs.")
    ] = None,
    metrics_url: Annotated[
        list[str] | None, typer.Option(help="Page in the format of Prometheus, of a Triton or Envoy; may be repeated.")
    ] = None,
    no_collect: Annotated[
        bool, typer.Option("--no-collect", help="Only read the stores: somebody else collects.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in the web browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as one line of JSON, then serve.")] = False,
) -> None:
    """Serve the live page of all campaigns until Ctrl-C.

    It reads what campaigns write anyway, and changes nothing: it can be started and stopped at any time. From a login
    node, either take the port to your own machine (ssh -L 8090:localhost:8090 NODE), or listen for others with --host,
    which makes a token and puts it into the address.

    Examples:
      sonicgrid dashboard
      sonicgrid dashboard workflow/campaigns/demo.yaml --port 0 --open
      sonicgrid dashboard --host 0.0.0.0 --tls-certificate host.pem --tls-key host.key

    """
    # Loads the web server, for which no other command should wait.
    from monitoring.serve.begin import Wishes, begin
    from monitoring.serve.installed_pages import PAGES

    wishes = Wishes(
        named=tuple(find_folder(campaign) for campaign in campaigns or ()),
        results=results,
        host=host,
        port=port,
        token=token,
        certificate=tls_certificate,
        key=tls_key,
        store_folder=store_folder,
        metrics_urls=tuple(metrics_url or ()),
        collect=not no_collect,
    )
    begun = begin(wishes, PAGES, print_error)
    if as_json:
        names = [shown.name for shown in begun.campaigns.all()]
        sys.stdout.write(json.dumps({"address": begun.address, "campaigns": names, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
    else:
        _tell(begun, results)
    if open_page:
        typer.launch(begun.address)
    begun.run()


def _tell(begun: Begun, results: Path) -> None:
    console.print(f"Dashboard: [bold]{escape(begun.address)}[/]", soft_wrap=True)
    shown = begun.campaigns.all()
    if shown:
        names = ", ".join(escape(one.name) for one in shown)
        console.print(f"{len(shown)} campaign{'s' if len(shown) != 1 else ''}: {names}", soft_wrap=True)
    else:
        where = escape(str(results.absolute()))
        console.print(f"No campaign below {where} yet; new ones show up by themselves.", soft_wrap=True)
    for one in begun.campaigns.unusable():
        console.print(f"[yellow]not shown:[/] {escape(f'{one.folder.root}: {one.why}')}", soft_wrap=True)
    if begun.in_the_clear:
        console.print(
            "[yellow]Not encrypted:[/] whoever is on the way can read the token and the pages; "
            "use --tls-certificate, or 127.0.0.1 with ssh -L.",
            soft_wrap=True,
        )
    console.print("Ctrl-C ends it.", style="dim")
