//! `mcp pins` on a store without pins. docs/how-to/pins.md shows a change and its acceptance.

use insta::assert_snapshot;

use crate::installation::Installation;

#[test]
fn a_server_that_listed_nothing_has_no_pins() {
    let installation = Installation::set_up();
    assert_snapshot!(installation.run(&["mcp", "pins", "linear"]), @r"
    exit status 0
    The server linear has listed no tools through the gateway yet.
    ");
    assert_snapshot!(installation.run(&["mcp", "pins", "linear", "--json"]), @r"
    exit status 0
    []
    ");
    assert_snapshot!(installation.run(&["mcp", "pins", "linear", "--accept", "send"]), @r"
    exit status 1
    error: the server 'linear' has no pinned tool 'send'
    ");
}
