"""MCP Toolbox for Databases: its secure parameters are filled with secrets."""

import json
import os
import sqlite3
from pathlib import Path

from checks import Checks
from gateway import Gateway, Program, User
from rpc import Legacy, Modern

TOOLS = """
kind: source
name: shop
type: sqlite
database: {database}
---
kind: tool
name: orders
type: sqlite-sql
source: shop
description: Finds the orders of the customer who asks.
parameters:
  - name: status
    type: string
    description: The status of the orders
  - name: customer
    type: string
    description: Whose orders
    secure: true
statement: SELECT customer, item FROM orders WHERE status = ?1 AND customer = ?2
"""


def begin(program: str, folder: Path) -> Program:
    """A server whose tool finds the orders of two customers."""
    folder.mkdir()
    database, tools = folder / "shop.db", folder / "tools.yaml"
    with sqlite3.connect(database) as shop:
        shop.execute("CREATE TABLE orders (customer, status, item)")
        orders = [("customer-of-ada", "open", "a lamp"), ("customer-of-bob", "open", "a chair")]
        shop.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
    shop.close()
    tools.write_text(TOOLS.format(database=database))
    command = [program, "--config", str(tools), "--address", "127.0.0.1", "--port", "$PORT"]
    return Program(command, folder / "toolbox.log", {"PATH": os.environ["PATH"], "HOME": str(folder)})


async def converse(checks: Checks, gateway: Gateway, user: User, item: str) -> None:
    """The user's agent finds the orders of the user's customer, whatever its model says."""
    customer = f"customer-of-{user.name}"
    await user.secret("customer", customer, "shop__*", "customer")
    async with Modern(gateway.url("shop"), user.headers) as peer:
        tools = await peer.tools()
        shown = json.dumps(tools)
        checks.that(f"toolbox, {user.name}: a secure parameter is not shown", '"customer"' not in shown, shown)
        for arguments in ({}, {"customer": "customer-of-bob"}, {"customer": "customer-of-ada"}):
            found = await peer.call("orders", status="open", **arguments)
            text = " ".join(one["text"] for one in found["content"])
            owed = item in text and "[secret:customer]" in text and not found.get("isError")
            checks.that(f"toolbox, {user.name}: the orders of one's own customer are found", owed, text)
        checks.that(f"toolbox, {user.name}: the value did not come", customer.encode() not in peer.raw)
    async with Legacy(gateway.url("shop"), user.headers) as peer:
        checks.that(f"toolbox, {user.name}: earlier clients do not see the tool", await peer.tools() == {})
