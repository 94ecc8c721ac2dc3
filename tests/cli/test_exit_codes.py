"""How the command line ends: the right code, one clear line, and a traceback only for a fault of our own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.cli import QUIET, main

HEADSTART = [sys.executable, "-m", "headstart"]

WRONG_USAGE = {
    "an unknown verb": (["fti"], 'There is no verb "fti". Did you mean "fit"?'),
    "an unknown option": (["fit", "rows.csv", "--epoch", "3"], "No such option '--epoch'"),
    "an unknown choice": (["fit", "rows.csv", "--head", "tree"], "'tree' is not one of"),
    "no data": (["fit"], "DATA is missing"),
    "nothing to predict": (["predict", "runs/r-1"], "Missing argument 'FILES...'"),
}


@pytest.mark.parametrize(("words", "said"), WRONG_USAGE.values(), ids=WRONG_USAGE.keys())
def test_wrong_usage_ends_with_2_and_says_what(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"], ["fit", "--help"]], ids=" ".join)
def test_help_and_version_end_with_0_on_stdout(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "headstart" in out
    assert err == ""


def test_an_error_of_the_user_is_one_line_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tmp_path), "-"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("error: ")


def test_a_fault_of_our_own_keeps_its_traceback_and_asks_to_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    with pytest.raises(ValueError, match="closed file") as caught:
        main(["fit", "rows.csv", "--dry-run"])
    assert "Please report it" in caught.value.__notes__[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a polite kill"])
def test_an_interrupted_command_says_so_and_ends_with_130(tmp_path: Path, number: int) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"some text {n},{'ab'[n % 2]}\n" for n in range(400_000)))
    command = [*HEADSTART, "check", str(rows)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "data: reading\n"
        process.send_signal(number)
        assert process.stderr.read() == "interrupted\n"
    assert process.returncode == 130


def test_an_interrupt_that_meets_code_made_from_a_string_ends_with_130_too(tmp_path: Path) -> None:
    (tmp_path / "met.py").write_text(
        "from headstart import cli\n"
        "from headstart.__main__ import start\n"
        "cli._run = lambda args: exec('raise KeyboardInterrupt')\n"
        "start()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])}
    done = subprocess.run([sys.executable, "-m", "met"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="this platform has no SIGPIPE")
def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    with subprocess.Popen([*HEADSTART, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


def test_libraries_are_told_to_be_quiet_and_the_users_word_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "debug")
    main(["--version"])
    assert {name: os.environ[name] for name in QUIET} == QUIET | {"TRANSFORMERS_VERBOSITY": "debug"}


def test_the_handler_of_a_polite_kill_is_given_back() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    main(["--version"])
    assert signal.signal(signal.SIGTERM, before) is signal.SIG_IGN
