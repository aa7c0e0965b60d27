//! Every connector of the registry passes the one suite over an upstream of known content.

use headwater::connector::testkit::conform;

use super::fixtures;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connector_of_the_registry_conforms() {
    let mut failures = Vec::new();
    for connector in headwater::connectors::registry().iter() {
        let id = connector.card().id;
        let upstreams = fixtures::of(id);
        if upstreams.is_empty() {
            failures.push(format!("{id}: has no upstream of known content in tests/it/fixtures"));
        }
        for make in upstreams {
            let subject = make().await;
            let name = format!("{} {}", subject.connection.name, subject.readable);
            for (sentence, answer) in conform(subject).await {
                if let Err(why) = answer {
                    failures.push(format!("{id}, {name}: {sentence}: {why}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} checks do not hold:\n{}", failures.len(), failures.join("\n"));
}
