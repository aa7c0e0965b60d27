//! Every connector of the registry passes the one suite over its upstreams of known content: here those that
//! need nothing but this machine, in `servers` those on servers.

use headwater::connector::testkit::{Breadth, conform_within};

use super::fixtures::{LOCAL, Make, Upstreams};

/// Runs the suite on every upstream that a list has of a connector.
pub async fn check(id: &str, upstreams: &Upstreams) {
    check_within(upstreams.of(id), Breadth::Whole).await;
}

/// Runs the suite on these upstreams, whose trees may be too wide or too far to be walked whole.
pub async fn check_within(upstreams: &[Make], breadth: Breadth) {
    let mut failures = Vec::new();
    for make in upstreams {
        let subject = make().await;
        let id = subject.connector.card().id;
        let name = format!("{} {}", subject.connection.name, subject.readable);
        for (sentence, answer) in conform_within(subject, breadth).await {
            if let Err(why) = answer {
                failures.push(format!("{id}, {name}: {sentence}: {why}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} checks do not hold:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connector_with_a_local_upstream_conforms() {
    for id in LOCAL.ids() {
        check(id, &LOCAL).await;
    }
}

#[test]
#[cfg(all(unix, feature = "full"))]
fn every_connector_of_the_registry_has_an_upstream_of_known_content() {
    let mut known: Vec<&str> = LOCAL.ids().chain(super::servers::UPSTREAMS.ids()).collect();
    let registry = headwater::connectors::registry();
    let mut wanted: Vec<&str> = registry.iter().map(|connector| connector.card().id).collect();
    known.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(known, wanted, "in tests/it/fixtures and tests/it/servers/fixtures");
}
