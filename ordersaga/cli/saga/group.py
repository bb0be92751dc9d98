"""The group `ordersaga saga`."""

from ordersaga.cli.answers import CommandGroup
from ordersaga.cli.saga import findings, listing, shortage, steering

app = CommandGroup("saga", "Show sagas and steer them.")

app.command("list")(listing.list_)
app.command("show")(listing.show)
app.command("findings")(findings.findings)
for name, text in steering.COMMANDS.items():
    app.command(name, help=f"{text}\n\n{steering.ENDS_WITH}")(steering.bulk_command(name))
app.command("resolve", help=f"{steering.RESOLVE}\n\n{steering.ENDS_WITH}")(
    steering.bulk_command("resolve", goods=steering.Goods)
)
app.command("change-address")(steering.change_address)
app.command("choose", help=f"{shortage.CHOOSE}\n\n{steering.ENDS_WITH}")(
    steering.bulk_command("choose", choice=shortage.Choice)
)
app.command("pay")(steering.pay)
app.command("amend")(shortage.amend)
