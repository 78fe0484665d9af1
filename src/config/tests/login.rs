//! `docs_client_id` and `docs_scopes` of an issuer.

use super::*;

#[test]
fn a_client_is_read_with_its_scopes() {
    let text = add("issuers.company", "docs_client_id = \"docs\"");
    let config = load_text(&text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let clients: Vec<_> = config.issuers.iter().map(|it| &it.docs_client).collect();
    let client = clients[0].as_ref().unwrap();
    assert_eq!((client.id.as_str(), clients[1]), ("docs", &None));
    assert_eq!(client.scopes, ["openid", "profile"]);
}

#[test]
fn every_mistake_names_its_key() {
    let company = |lines: &str| one(add("issuers.company", lines));
    let second = "\n[issuers.other]\nissuer = \"https://other.example.com\"\naudience = \"brickyard\"\n\
                  docs_client_id = \"docs\"\n[issuers.github]";
    for (said, expected) in [
        (
            company("docs_scopes = [\"openid\"]"),
            "issuers.company.docs_scopes: has no effect",
        ),
        (
            company("docs_client_id = \"\""),
            "issuers.company.docs_client_id: `` is not a client's id",
        ),
        (
            company("docs_client_id = \"docs\"\ndocs_scopes = [\"openid profile\"]"),
            "issuers.company.docs_scopes: `openid profile`",
        ),
        (
            company("docs_client_id = \"docs\"\nauthorized_parties = [\"portal\"]"),
            "issuers.company.docs_client_id: is none of `authorized_parties`",
        ),
        (
            one(add("issuers.github", "docs_client_id = \"docs\"")),
            "issuers.github.docs_client_id: people do not log in",
        ),
        (
            one(add("issuers.company", "docs_client_id = \"docs\"")
                .replace("\n[issuers.github]", second)),
            "issuers.other.docs_client_id: people log in with issuers.company already",
        ),
    ] {
        assert!(said.starts_with(expected), "{said}");
    }
}
