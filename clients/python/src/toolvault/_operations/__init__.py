"""The operations of the contract, as data that both clients run."""
