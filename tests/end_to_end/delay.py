"""A port of loopback that is some milliseconds away from another: `delay.py PORT TARGET MILLISECONDS`."""

import asyncio
import sys

from fault_proxy import FaultProxy


async def delay(port: int, target: int, milliseconds: float) -> None:
    proxy = FaultProxy(target)
    proxy.port, proxy.faults.delay = port, milliseconds / 1000
    await proxy.listen()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(delay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
