use super::*;

fn secrets(folder: &std::path::Path) -> Secrets {
    Secrets::new(Keychain::off(), folder.join("secrets.vault"))
}

async fn found(secrets: &Secrets, name: &SecretRef, place: &str) -> String {
    match secrets.fetch(name, place).await {
        Found::Secret(secret) => secret.expose_secret().to_owned(),
        Found::Elsewhere { was } => format!("elsewhere: {was}"),
        Found::Absent { why } => format!("absent: {}", why.map(|why| why.attempted).unwrap_or_default()),
    }
}

#[tokio::test]
async fn a_secret_is_known_by_its_name_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = secrets(folder.path());
    let name = secrets.keep("hunter2".into());
    assert_eq!(found(&secrets, &name, "db:5432").await, "hunter2");
    let kept = secrets.settle(&name, "db:5432").await;
    assert_eq!(kept.home, KeptIn::ThisRun);
    assert!(kept.why.unwrap().attempted.contains("keychain"), "why is said");
    secrets.keep_as(&name, "new".into());
    assert_eq!(found(&secrets, &name, "db:5432").await, "new");
    secrets.forget(&name).await.unwrap();
    assert!(found(&secrets, &name, "db:5432").await.starts_with("absent"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing on disk");
}

#[tokio::test]
async fn a_secret_goes_to_the_place_it_was_given_for_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = secrets(folder.path());
    let name = secrets.keep("hunter2".into());
    secrets.settle(&name, "db:5432").await;
    assert_eq!(found(&secrets, &name, "trap:5432").await, "elsewhere: db:5432");
    secrets.settle(&name, "trap:5432").await;
    assert_eq!(found(&secrets, &name, "trap:5432").await, "hunter2");
}

#[cfg(feature = "vault")]
#[tokio::test]
async fn with_a_vault_secrets_outlive_the_run_and_wait_for_the_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let first = secrets(folder.path());
    first.vault().make("four words of mine".into()).await.unwrap();
    let name = first.keep("hunter2".into());
    assert_eq!(first.outlook().await.home, KeptIn::Vault);
    assert_eq!(first.settle(&name, "db:5432").await, Kept { home: KeptIn::Vault, why: None });

    let second = secrets(folder.path());
    assert_eq!(second.outlook().await.home, KeptIn::ThisRun);
    assert!(found(&second, &name, "db:5432").await.contains("locked"));
    second.vault().unlock("four words of mine".into()).await.unwrap();
    assert_eq!(found(&second, &name, "db:5432").await, "hunter2");
    assert_eq!(found(&second, &name, "trap:5432").await, "elsewhere: db:5432");
    second.forget(&name).await.unwrap();

    let third = secrets(folder.path());
    third.vault().unlock("four words of mine".into()).await.unwrap();
    assert!(found(&third, &name, "db:5432").await.starts_with("absent"));
}
