use super::*;
use crate::model::card::{Family, Form};

const fn field(key: &'static str, label: &'static str, kind: FieldKind, need: Need) -> FormField {
    FormField { key, label, help: "", kind, need, default: None }
}

static CARD: Card = Card {
    id: "box",
    name: "Box",
    family: Family::Relational,
    summary: "a box",
    schemes: &["box"],
    extensions: &[],
    magic: &[],
    form: Form {
        fields: &[
            field("host", "Host", FieldKind::Text, Need::Required),
            field("port", "Port", FieldKind::Number { min: 1, max: 65_535 }, Need::Optional),
            field("mode", "Mode", FieldKind::Choice { options: &[("a", "A"), ("b", "B")] }, Need::Optional),
            field("file", "File", FieldKind::File { extensions: &[] }, Need::Optional),
            field("password", "Password", FieldKind::Secret, Need::Required),
        ],
    },
    docs: "",
    facts: "",
};

fn good() -> Draft {
    let mut draft = Draft::new(&CARD);
    draft.name = " shop ".into();
    draft.values.insert("host", "db".into());
    draft.secrets.insert("password", "hunter2".into());
    draft
}

#[test]
fn what_the_form_asks_for_is_checked_field_by_field() {
    let abouts = |draft: &Draft| draft.check().into_iter().map(|problem| problem.about).collect::<Vec<_>>();
    assert_eq!(abouts(&Draft::new(&CARD)), [About::Name, About::Field("host"), About::Field("password")]);
    assert_eq!(abouts(&good()), []);
    for (key, value, wrong) in [
        ("port", "0", true),
        ("port", "65535", false),
        ("port", "many", true),
        ("mode", "c", true),
        ("mode", "b", false),
        ("host", "   ", true),
    ] {
        let mut draft = good();
        draft.values.insert(key, value.into());
        let expected = if wrong { vec![About::Field(key)] } else { Vec::new() };
        assert_eq!(abouts(&draft), expected, "{key} = {value:?}");
    }
}

#[tokio::test]
async fn a_saved_draft_holds_no_secret_and_keeps_what_the_form_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(Some(folder.path().to_owned())).await.unwrap();
    let Saved::Done(saved, _) = good().save(&workspace).await.unwrap() else { panic!("not saved") };
    assert_eq!((saved.name.as_str(), saved.connector.as_str()), ("shop", "box"));
    let file = std::fs::read_to_string(workspace.connections().path()).unwrap();
    assert!(!file.contains("hunter2"));
    let secret = workspace.credentials(&saved).await.unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(secret.get("password").unwrap()), "hunter2");

    let twice = good().save(&workspace).await.unwrap();
    let Saved::Wrong(problems) = twice else { panic!("two of one name") };
    assert_eq!(problems[0].about, About::Name);

    workspace
        .connections()
        .edit("shop", |connection| {
            connection.values.insert("later".into(), "kept".into());
        })
        .await
        .unwrap();
    let mut draft = Draft::of(&CARD, &workspace.connections().get("shop").await.unwrap());
    draft.name = "store".into();
    draft.tier = Tier::Prod;
    let Saved::Done(changed, _) = draft.save(&workspace).await.unwrap() else { panic!("not changed") };
    assert_eq!((changed.id, changed.tier), (saved.id, Tier::Prod));
    assert_eq!(changed.values.get("later").map(String::as_str), Some("kept"));
    assert_eq!(changed.secrets, saved.secrets);
}

#[tokio::test]
async fn class_and_budget_are_saved_and_come_back_into_the_form() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(Some(folder.path().to_owned())).await.unwrap();
    let mut draft = good();
    draft.size_class = Some(SizeClass::Large);
    draft.budget = [(Limited::Rows, "10 000"), (Limited::Bytes, "64 MiB"), (Limited::Requests, "few")]
        .map(|(limited, text)| (limited, text.to_owned()))
        .into();
    assert_eq!(
        draft.check().iter().map(|problem| problem.about).collect::<Vec<_>>(),
        [About::Budget(Limited::Requests)]
    );
    draft.budget.remove(&Limited::Requests);
    let Saved::Done(saved, _) = draft.save(&workspace).await.unwrap() else { panic!("not saved") };
    assert_eq!((saved.budget.rows, saved.budget.bytes), (Some(10_000), Some(64 << 20)));
    let again = Draft::of(&CARD, &workspace.connections().get("shop").await.unwrap());
    assert_eq!(again.size_class, Some(SizeClass::Large));
    assert_eq!(again.budget.get(&Limited::Bytes).map(String::as_str), Some("64.0 MiB"));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_said_at_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(Some(folder.path().to_owned())).await.unwrap();
    for path in [folder.path().join("absent"), folder.path().to_owned()] {
        let mut draft = good();
        draft.values.insert("file", path.display().to_string());
        let Saved::Wrong(problems) = draft.save(&workspace).await.unwrap() else { panic!("saved") };
        assert_eq!(problems[0].about, About::Field("file"));
    }
}
