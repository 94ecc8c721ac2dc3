"""A Hugging Face Hub within this process: huggingface_hub asks and fetches as ever, and is answered from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest


@dataclass
class Hub:
    """The models FOLDER/ORG/NAME; each has one commit, on the branch "main", told from its files' sizes and times."""

    folder: Path
    given: list[str] = field(default_factory=list)
    """The files whose content was handed out, as ORG/NAME/FILE."""
    broken: str = ""
    """A file whose download breaks off."""

    def files(self, model: str) -> list[Path]:
        """The files of a model, none where there is no such model."""
        return sorted(path for path in (self.folder / model).glob("*") if path.is_file())

    def commit(self, model: str) -> str:
        """Forty digits, as git has them."""
        told = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self.files(model)]
        return hashlib.sha1(repr(told).encode()).hexdigest()

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """What the Hub says to `/api/models/ORG/NAME/VERB/REVISION` and gives for `/ORG/NAME/resolve/REVISION/FILE`."""
        words = request.url.path.strip("/").split("/")
        is_about = words[:2] == ["api", "models"]
        org, name, verb, revision, *rest = words[2:] if is_about else words
        model = f"{org}/{name}"
        if not self.files(model):
            return _refusal("RepoNotFound", request)
        if revision not in ("main", self.commit(model)):
            return _refusal("RevisionNotFound", request)
        return self._about(model, verb, request) if is_about else self._file(model, "/".join(rest), request)

    def _about(self, model: str, verb: str, request: httpx2.Request) -> httpx2.Response:
        listing = [
            {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _etag(path)}
            for path in self.files(model)
        ]
        facts = {"id": model, "sha": self.commit(model), "siblings": []}
        return httpx2.Response(200, json=facts if verb == "revision" else listing, request=request)

    def _file(self, model: str, name: str, request: httpx2.Request) -> httpx2.Response:
        path = self.folder / model / name
        headers = {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": self.commit(model)}
        if request.method == "HEAD":
            headers |= {"Content-Length": str(path.stat().st_size)}
            return httpx2.Response(200, headers=headers, request=request)
        if name == self.broken:
            raise httpx2.ReadTimeout("timed out", request=request)
        self.given.append(f"{model}/{name}")
        return httpx2.Response(200, headers=headers, content=path.read_bytes(), request=request)


def _refusal(code: str, request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(404, headers={"X-Error-Code": code}, json={}, request=request)


def _etag(path: Path) -> str:
    return hashlib.sha1(f"{path} {path.stat()}".encode()).hexdigest()


@contextmanager
def hub_of(folder: Path) -> Iterator[Hub]:
    """While inside, the Hub is this one to all of this process, and its cache is empty."""
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    hub = Hub(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "0")
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
        set_client_factory(lambda: httpx2.Client(transport=httpx2.MockTransport(hub.answer), follow_redirects=True))
        try:
            yield hub
        finally:
            set_client_factory(default_client_factory)
