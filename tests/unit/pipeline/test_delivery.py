"""What an event may do."""

from types import SimpleNamespace

import pytest

from pipeline import delivery
from pipeline.config.config import BaseSettings, Config, PublishSettings
from pipeline.delivery import why_not
from pipeline.model import Report
from pipeline.project import Base, Project
from pipeline.publish import publication
from pipeline.share import Account
from pipeline.tags.events import Event, Named


@pytest.mark.parametrize(
    ("ref", "password", "said"),
    [
        ("refs/heads/main", True, ""),
        ("refs/tags/v1.0.0", True, ""),
        ("refs/heads/main", False, "there are no credentials"),
        ("refs/pull/7/merge", True, "this is a pull request"),
        ("refs/heads/feature", True, "refs/heads/feature is neither the default branch (main) nor a tag"),
    ],
)
def test_who_publishes(ref, password, said):
    reason = why_not(Event(ref), has_password=password)
    assert reason.startswith(said)
    assert bool(reason) == bool(said)


@pytest.mark.anyio
@pytest.mark.parametrize(("ref", "published"), [("refs/heads/main", False), ("refs/tags/v1.0.0", True)])
async def test_an_event_that_no_rule_names_is_checked_and_publishes_nothing(monkeypatch, ref, published):
    """With rules for releases alone, every push to the default branch would else end as wrong use."""

    async def only_checked(_call, _platforms, reason):
        return Report(reason, ())

    async def sizes(_call, _account):
        return Report("sizes", ())

    async def run(_call, _request):
        raise ZeroDivisionError

    monkeypatch.setattr(delivery.publication, "only_checked", only_checked)
    monkeypatch.setattr(delivery.publication, "publish", run)
    monkeypatch.setattr(delivery.compare, "sizes", sizes)
    said = []
    monkeypatch.setattr(delivery, "merge", lambda _title, reports: said.append(reports[0].title))
    base = Base("acme/base", "Dockerfile", ".", ("",), (), BaseSettings())
    settings = Config(publish=PublishSettings(tags=("type=semver,pattern={{version}}",)))
    call = SimpleNamespace(project=Project(None, settings, (base,), ()))
    account = Account("acme/base", "me", object())  # type: ignore[arg-type]
    request = publication.request(call, Named(ref), account)  # type: ignore[arg-type]
    if published:
        with pytest.raises(ZeroDivisionError):
            await delivery.deliver(call, request)  # type: ignore[arg-type]
    else:
        await delivery.deliver(call, request)  # type: ignore[arg-type]
        assert said == ["no rule of publish.tags applies to refs/heads/main"]
