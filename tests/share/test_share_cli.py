"""The commands: exit codes, what they print first, answers for programs, and no secret anywhere."""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import replace

import pytest
from share_bench import QUICK, unvalidated

from miniscope_nwb.cli.main import run
from miniscope_nwb.errors import MiniscopeError

PATH = "sub-m06/sub-m06_ses-20260302T140507_ophys.nwb"


@pytest.fixture
def quick(monkeypatch, bench):
    """Small parts, short waits, no validation, the owner's key in the variable."""
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", QUICK)
    monkeypatch.setattr("miniscope_nwb.share.check.check_file", unvalidated)
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", bench.stand_in.key)
    return ["--dandiset", bench.stand_in.dandiset, "--instance", bench.stand_in.url]


def test_whole_way(real_metadata, bench, nwb_file, monkeypatch, capsys):
    """Check with all validators, upload, check again, verify: as a laboratory does it."""
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", QUICK)
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", bench.stand_in.key)
    where = ["--dandiset", bench.stand_in.dandiset, "--instance", bench.stand_in.url]
    assert run(["share", "check", str(nwb_file)]) == 0
    said = capsys.readouterr().out
    assert ": fit" in said
    assert "experimenter: Cajal" in said
    assert bench.stand_in.requests == []
    assert run(["share", "upload", str(nwb_file), *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("archive  127.0.0.1:")
    assert "'Open test dandiset', OPEN: whatever is sent can be read by everybody" in lines[1]
    assert any(line.startswith(PATH) and "  sent  " in line for line in lines)
    assert any("verified by etag and SHA-256; the archive calls it Valid" in line for line in lines)
    assert any(line.startswith("left to do:") for line in lines)
    assert run(["share", "verify", str(nwb_file)]) == 0
    assert "same" in capsys.readouterr().out


def test_check_tells_states_sizes_and_parts(quick, bench, nwb_file, capsys):
    assert run(["share", "check", str(nwb_file), *quick]) == 0
    assert f"new       {PATH}  428 kB, 7 parts" in capsys.readouterr().out
    assert bench.n_parts_put == 0
    run(["share", "upload", str(nwb_file), *quick])
    bench.stand_in.tamper(PATH)
    capsys.readouterr()
    assert run(["share", "check", str(nwb_file), *quick]) == 0
    said = capsys.readouterr().out
    assert "changed there" in said
    assert "kB/s" in said or "MB/s" in said  # at the rate that was measured before
    assert "unless --replace" in said


def test_answers_for_programs(quick, bench, nwb_file, capsys):
    assert run(["share", "check", str(nwb_file), *quick, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["fit"] is True
    assert said["files"][0]["plans"][0]["state"] == "new"
    assert run(["share", "upload", str(nwb_file), *quick, "--json", "--wait", "2"]) == 0
    said = json.loads(capsys.readouterr().out)
    (file,) = said["files"]
    assert (file["state"], file["how"], said["exit_code"]) == ("sent", "sent", 0)
    assert file["record"]["etag"] == file["etag"]
    assert run(["share", "verify", str(nwb_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True
    bench.stand_in.tamper(PATH, byte=70_000)
    assert run(["share", "verify", str(nwb_file), "--json"]) == 4
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert (file["verdict"], file["parts"]) == ("changed there", [2])


def test_upload_of_changed_bytes_exits_with_4(quick, bench, nwb_file, capsys):
    run(["share", "upload", str(nwb_file), *quick])
    bench.stand_in.tamper(PATH)
    capsys.readouterr()
    assert run(["share", "upload", str(nwb_file), *quick]) == 4
    said = capsys.readouterr().out
    assert "--replace" in said
    assert "left to do: not all files are in the dandiset as they are here" in said
    assert "nothing stands against publishing" not in said
    assert run(["share", "upload", str(nwb_file), *quick, "--replace", "--jobs", "1"]) == 0
    assert "replaced" in capsys.readouterr().out


def test_file_that_is_not_fit_exits_with_1(quick, nwb_file, capsys):
    wrong = nwb_file.with_name("sub-m07_ses-20260302T140507_ophys.nwb")
    nwb_file.rename(wrong)
    assert run(["share", "upload", str(wrong), *quick]) == 1
    said = capsys.readouterr().out
    assert "NOT FIT" in said
    assert "-> Find out which is true" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["share", "upload", "a.nwb"],
        ["share", "upload", "--dandiset", "000001"],
        ["share", "check", "a.nwb", "--instance", "dandi"],
        ["share", "upload", "a.nwb", "--dandiset", "000001", "--instance", "no-such"],
        ["share", "upload", "a.nwb", "--dandiset", "000001", "--instance", "http://127.0.0.1:9/"],
        ["share", "verify", "a.nwb"],
        ["share", "dandiset", "000001", "--apply"],
    ],
)
def test_wrong_use_and_missing_keys_exit_with_2(arguments, state_folder, capsys):
    assert run(arguments) == 2
    assert capsys.readouterr().err


def test_archive_that_does_not_answer_exits_with_3(quick, bench, nwb_file, monkeypatch, capsys):
    fast = replace(QUICK, first_patience_s=0.2, patience_s=0.2)
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", fast)
    away = bench.stand_in.add_fault(server="s3", method="PUT", status=503, times=10_000)
    assert run(["share", "upload", str(nwb_file), *quick]) == 3
    assert "same command again" in capsys.readouterr().out
    bench.stand_in.faults.waiting.remove(away)
    bench.stand_in.add_fault(server="api", status=503, times=10_000)
    assert run(["share", "upload", str(nwb_file), *quick]) == 3


@pytest.mark.parametrize("where", [[], ["--dandiset", "000001"]])
def test_file_to_verify_that_is_not_there_is_told(where, state_folder, tmp_path, capsys):
    path = tmp_path / "nothere.nwb"
    assert run(["share", "verify", str(path), *where]) == 2
    assert f"{path} is not there" in capsys.readouterr().err
    assert run(["share", "verify", str(tmp_path), *where]) == 2
    assert f"{tmp_path} is a folder" in capsys.readouterr().err


def test_help_tells_exit_codes(capsys):
    assert run(["share", "--help"]) == 0
    assert "4 the archive holds something else" in capsys.readouterr().out
    for command in ("check", "upload", "verify", "dandiset"):
        assert run(["share", command, "--help"]) == 0


def test_progress_without_a_terminal_is_a_line_now_and_then(capsys, monkeypatch, tmp_path):
    from miniscope_nwb.cli import share_text

    times = iter(range(0, 1000, 4))
    monkeypatch.setattr(share_text.time, "monotonic", lambda: float(next(times)))
    progress = share_text.Progress(is_quiet=False)
    for done in range(1, 10):
        progress.sending(tmp_path / "a.nwb", done * 10**6, 10 * 10**6, done * 10**6)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "of 10 MB" in lines[-1]
    assert "left" in lines[-1]


def test_one_file_is_waited_for_in_the_singular(capsys):
    from miniscope_nwb.cli.share_text import Progress

    for number, words in ((1, "of 1 file ("), (2, "of 2 files (")):
        Progress(is_quiet=False).waiting(number)
        assert words in capsys.readouterr().err


def test_progress_on_a_terminal_is_one_line(capsys, monkeypatch, tmp_path):
    from miniscope_nwb.cli import share_text

    monkeypatch.setattr(share_text.sys.stderr, "isatty", lambda: True, raising=False)
    progress = share_text.Progress(is_quiet=False)
    progress._last -= 10
    progress.hashing(tmp_path / "a.nwb", 5, 10)
    progress.clear()
    said = capsys.readouterr().err
    assert said.startswith("\rchecksums a.nwb")
    assert said.endswith("\r")


SECRET_WORDS = ("X-Amz-Signature", "X-Amz-Credential", "Signature=", "uploadId=")


def test_no_key_and_no_signed_address_is_seen_anywhere(
    quick, bench, nwb_file, monkeypatch, capsys, caplog
):
    """Output, logs at their loudest, names of files, errors with all their local variables."""
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    real = MiniscopeError.__init__

    def keep(self, *arguments):
        real(self, *arguments)
        stack = traceback.format_stack()
        seen.extend([str(self), repr(self), *stack])

    monkeypatch.setattr(MiniscopeError, "__init__", keep)
    faults = [
        {"method": "PUT", "status": 403, "times": 4, "body": "<Error><Code>AccessDenied</Code>"
         "<StringToSign>AWS4-X-Amz-Signature=1</StringToSign></Error>"},
        {"method": "PUT", "cut_after": 5000},
        {"method": "PUT", "status": 503, "times": 2},
        {"method": "POST", "loses_answer": True},
        {"method": "HEAD", "loses_answer": True},
    ]  # fmt: skip
    for fault in faults:
        bench.stand_in.add_fault(server="s3", **fault)
    arguments = ["share", "upload", str(nwb_file)]
    private = ["--dandiset", bench.stand_in.embargoed, *quick[2:]]
    assert run([*arguments, *private]) == 0
    bench.stand_in.tamper(PATH, dandiset=bench.stand_in.embargoed)
    assert run(["share", "verify", str(nwb_file)]) == 4
    monkeypatch.setattr("miniscope_nwb.share.settings.DEFAULT", replace(QUICK, patience_s=0.1))
    bench.stand_in.add_fault(server="s3", method="PUT", cut_after=1, times=10_000)
    assert run([*arguments, *private, "--replace"]) == 3
    monkeypatch.setenv("MINISCOPE_NWB_API_KEY", "f" * 40)
    assert run([*arguments, *private]) == 2
    captured = capsys.readouterr()
    # The archive runs in the same process, and its own libraries log as they like.
    theirs = ("botocore", "boto3", "moto", "werkzeug")
    logged = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith(theirs))
    assert logged.count("PUT /dandi-dandisets") > 5, "the libraries' own lines are not seen"
    everything = "\n".join(
        [captured.out, captured.err, logged, *seen, *(str(p) for p in bench.state.rglob("*")),
         *(p.read_text() for p in nwb_file.parent.glob("*.json"))]
    )  # fmt: skip
    for word in (*SECRET_WORDS, bench.stand_in.key, "f" * 40):
        assert word not in everything, word


@pytest.mark.parametrize("fault", ["cut", "refused", "changed"])
def test_tracebacks_with_local_variables_hold_no_secret(fault, bench, nwb_file):
    """Some tools print the variables of every frame of ours: they hold secrets as `***`."""
    from miniscope_nwb.share.blob import send_blob
    from miniscope_nwb.share.etag import hash_file

    archive, dandiset = bench.enter(patience_s=0.1)
    digest = hash_file(nwb_file, part_bytes=QUICK.part_bytes)
    choices = {"cut": {"cut_after": 1}, "refused": {"status": 400}, "changed": {"flip_byte": 1}}
    bench.stand_in.add_fault(server="s3", method="PUT", times=10_000, **choices[fault])
    with pytest.raises(MiniscopeError) as caught:
        send_blob(
            archive, nwb_file, digest,
            dandiset=dandiset.identifier, state=bench.state, progress=lambda *_: None,
        )  # fmt: skip
    error = caught.value
    shown = ""
    while error is not None:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += "".join(frames.format(chain=False))
        error = error.__cause__ or error.__context__
    assert "transport.py" in shown or "parts.py" in shown
    for word in (*SECRET_WORDS, bench.stand_in.key):
        assert word not in shown, word
