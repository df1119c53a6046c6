"""`python -m benchmarks` lists the benchmarks; with a name it runs one and writes its page.

One JSON line goes to standard output, everything for people to standard error.
"""

import pkgutil
import sys
from importlib import import_module
from types import ModuleType

import msgspec

import benchmarks
from benchmarks import measurement
from isthmus.cli.answer import keep_stdout_clean
from isthmus.core.errors import IsthmusError

PREFIX = "bench_"


def main(arguments: list[str]) -> int:
    """List the benchmarks, or run the one that is named.

    Args:
        arguments: Nothing, or one name.

    Returns:
        The exit code.
    """
    known = modules()
    if not arguments:
        for name, module in known.items():
            print(f"{name:14}{question(module)}")
        return 0
    name = arguments[0]
    if arguments != [name] or name not in known:
        tell(f"there is no benchmark {' '.join(arguments)!r}: there are {', '.join(known)}.")
        return 2
    keep_stdout_clean()
    try:
        run(name, known[name])
    except IsthmusError as error:
        tell(f"{name}: {error}")
        return error.exit_code
    return 0


def modules() -> dict[str, ModuleType]:
    """The benchmarks by name."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return {
        name.removeprefix(PREFIX): import_module(f"benchmarks.{name}")
        for name in found
        if name.startswith(PREFIX)
    }


def question(module: ModuleType) -> str:
    """What a benchmark wants to know: the first line of its docstring."""
    return (module.__doc__ or "").partition("\n")[0]


def run(name: str, module: ModuleType) -> None:
    """Measure, write the page, and print one line of JSON."""
    where = measurement.circumstances()
    tell(f"{name}: {question(module)}")
    found: measurement.Measurement = module.measure()
    page = measurement.RESULTS / f"{name}.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(measurement.page(name, question(module), found, where))
    tell(f"{name}: {found.answer} See benchmarks/results/{page.name}.")
    line = {"benchmark": name, "found": found, "circumstances": where}
    print(msgspec.json.encode(line).decode())


def tell(text: str) -> None:
    """Print something for people."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
