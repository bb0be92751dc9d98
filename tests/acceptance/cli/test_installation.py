"""`ordersaga installation …` as processes."""

from pathlib import Path

from tests.acceptance.cli_shop import CliShop


async def test_the_id_is_shown_renewed_and_taken_back(empty_database: str, tmp_path: Path) -> None:
    shop = await CliShop.opened(empty_database, tmp_path)
    first = await shop.json("installation", "show")
    assert [row["act"] for row in first["history"]] == ["made"]
    why = ("--reason", "a copy for trials")
    renewed = await shop.json("installation", "renew", *why)
    assert renewed["previous"] == first["installation"] != renewed["id"]
    checks = await shop.run("doctor")
    assert renewed["id"] in checks.out
    adopted = await shop.run("installation", "adopt", first["installation"], *why)
    assert adopted.out.startswith(f"this installation is now {first['installation']}; it was")
    assert "asks for a person" in adopted.err
    for wrong, code, named in (
        (("renew",), 2, "--reason"),
        (("adopt", first["installation"]), 2, "--reason"),
        (("adopt", "1001", *why), 1, "must be a UUID"),
        (("renew", "--reason", " "), 1, "reason"),
    ):
        refused = await shop.run("installation", *wrong)
        assert (refused.code, named in refused.err) == (code, True), refused
    assert len((await shop.json("installation", "show"))["history"]) == 3
