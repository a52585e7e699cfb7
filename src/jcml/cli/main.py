"""The group of all commands, loaded one by one, and what happens when one fails."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

import jcml as package
from jcml.cli.console import Console
from jcml.errors import JcmlError, OutputError, Place, UsageError, catalogue, nearest, preferred_language

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("jcml.cli.start", "example office: import, train, score, report / 示例：从导入到报告"),
    "init": ("jcml.cli.start", "start a workspace and an office / 新建工作区与办案单位"),
    "doctor": ("jcml.cli.start", "is this installation sound / 检查安装是否完好"),
    "help": ("jcml.cli.start", "what an error code means / 解释错误代码"),
    "model": ("jcml.cli.models", "supervision models: their three files / 监督模型（三个文件）"),
    "data": ("jcml.cli.data", "what came in, what was refused and why / 数据导入、质量、隔离"),
    "features": ("jcml.cli.features", "matrix, SQL, plan, source rows / 特征矩阵、SQL、方案、证据"),
    "train": ("jcml.cli.learning", "fit, evaluate, gates, register as challenger / 训练、评估、门槛、登记"),
    "registry": ("jcml.cli.learning", "trained models: card, promote, rollback / 训练模型：说明书、任命、恢复"),
    "score": ("jcml.cli.scoring", "publish clues once per run key / 评分并发布线索"),
    "clues": ("jcml.cli.scoring", "published clues / 已发布的线索"),
    "explain": ("jcml.cli.scoring", "reasons and source rows of a clue / 线索的理由与证据"),
    "replay": ("jcml.cli.scoring", "recompute a clue and compare bit for bit / 重算并逐字节比较"),
    "monitor": ("jcml.cli.scoring", "hit rates of published lists, drift / 已发布清单的查实率与漂移"),
    "report": ("jcml.cli.scoring", "the topic report, one page / 专题报告"),
    "review": ("jcml.cli.review", "the workbench: set up, serve, take clues in, export verdicts / 线索工作台"),
    "audit": ("jcml.cli.audit", "the workbench's log: verify, checkpoint, find a print / 审计日志：核验、检查点、查找打印件"),
}
"""Every command: the module that holds it, and what it is for."""


class Lazy(click.Group):
    """A group whose commands are imported when they are called.

    >>> sorted(Lazy("x").list_commands(None))[:2]
    ['audit', 'clues']
    """

    def list_commands(self, ctx: click.Context | None) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command, imported now."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name][0])
        found = getattr(module, name if name != "help" else "explain_code")
        assert isinstance(found, click.Command)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or an error with the nearest name."""
        if args and args[0] not in COMMANDS:
            raise UsageError("JC0001", command=args[0], nearest=nearest(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing any."""
        with formatter.section("Commands / 命令"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package.__version__, prog_name="jcml")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of messages; default from the locale, Chinese otherwise.")
@click.option("-w", "--workspace", type=click.Path(path_type=Path), envvar="JCML_WORKSPACE", help="Folder with features/, training/, serving/; default: here, or the models that come with jcml.")
@click.option("-o", "--office", type=click.Path(path_type=Path), envvar="JCML_OFFICE", help="Folder (or office.toml) of the office; default: here.")
@click.option("--quiet", is_flag=True, help="No messages, only results and errors.")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.pass_context
def jcml(ctx: click.Context, lang: str | None, workspace: Path | None, office: Path | None, quiet: bool, debug: bool) -> None:
    """Find records that probably need legal supervision, and say why.

    从各单位的记录中找出可能需要法律监督的事项，并说明理由。分值只决定核查的先后，由人决定。
    """
    console = Console(lang or preferred_language(), quiet=quiet, debug=debug)  # type: ignore[arg-type]
    console.workspace, console.office = workspace, office
    ctx.obj = console


def settle() -> None:
    """Let the collector look less often: imports make a million objects that stay, and looking costs a tenth of a command.

    >>> settle()
    """
    gc.set_threshold(100_000, 20, 20)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    settle()
    code = run(sys.argv[1:] if arguments is None else arguments)
    with suppress(BrokenPipeError):  # whoever read us has read enough
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # everything is written; taking millions of objects apart one by one would cost another second


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code and never raises.

    >>> run(["help", "JC1103", "--json"])  # doctest: +ELLIPSIS
    {
     "code": "JC1103",
    ...
    0
    """
    language = _language(arguments)
    try:
        result: Any = jcml.main(args=arguments, prog_name="jcml", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except JcmlError as error:
        click.echo(error.text(language), err=True)
        if error.code in catalogue() and "--debug" in arguments:
            raise
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "jcml"
        click.echo(UsageError("JC0003", problem=error.format_message().rstrip("."), command=command).text(language), err=True)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if "--debug" in arguments:
            raise
        place = Place(Path(error.filename)) if isinstance(error.filename, str) else None
        unwritten = OutputError("JC9002", place, problem=error.strerror or str(error))
        click.echo(unwritten.text(language), err=True)
        return unwritten.exit_code
    except Exception as error:
        if "--debug" in arguments:
            raise
        click.echo(JcmlError("JC9000", kind=type(error).__name__, problem=str(error).splitlines()[0][:300] if str(error) else "").text(language), err=True)
        return 70


def _language(arguments: list[str]) -> Any:
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments) and arguments[index + 1] in ("zh", "en"):
            return arguments[index + 1]
        if argument in ("--lang=zh", "--lang=en"):
            return argument[-2:]
    return preferred_language()
