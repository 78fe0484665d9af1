//! What the command line understands.

use super::*;
use crate::domain::cloud::Cloud;
use clap::CommandFactory;

/// Without what the environment of this run would add.
fn parse(line: &str) -> Result<Cli, clap::Error> {
    let mut cli = Cli::try_parse_from(line.split(' '))?;
    #[cfg(feature = "dev")]
    if let Command::Dev(dev) = &mut cli.command {
        dev.database_url = None;
    }
    Ok(cli)
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn verbs() {
    let verbs = [
        ("brickyard serve", Command::Serve),
        ("brickyard work", Command::Work),
        ("brickyard all", Command::All),
        (
            "brickyard migrate",
            Command::Migrate(Migrate { grant_to: None }),
        ),
        (
            "brickyard migrate --grant-to service",
            Command::Migrate(Migrate {
                grant_to: Some("service".to_owned()),
            }),
        ),
        (
            "brickyard audit verify",
            Command::Audit(Audit::Verify(Verify { head: None })),
        ),
        (
            "brickyard audit verify --head 3:0000000000000000000000000000000000000000000000000000000000000000",
            Command::Audit(Audit::Verify(Verify {
                head: Some(Head {
                    position: 3,
                    hash: crate::domain::seal::Hash::BEGINNING,
                }),
            })),
        ),
        (
            "brickyard check-config",
            Command::CheckConfig(CheckConfig { live: false }),
        ),
        (
            "brickyard check-config --live",
            Command::CheckConfig(CheckConfig { live: true }),
        ),
        (
            "brickyard openapi",
            Command::Openapi(Openapi { check: false }),
        ),
        (
            "brickyard openapi --check",
            Command::Openapi(Openapi { check: true }),
        ),
        (
            "brickyard dev",
            Command::Dev(Dev {
                cloud: Cloud::Aws,
                json: false,
                speed: 60,
                database_url: None,
            }),
        ),
        (
            "brickyard dev --json --speed 10",
            Command::Dev(Dev {
                cloud: Cloud::Aws,
                json: true,
                speed: 10,
                database_url: None,
            }),
        ),
    ];
    for (line, command) in verbs {
        assert_eq!(parse(line).unwrap().command, command, "{line}");
    }
    for line in [
        "brickyard",
        "brickyard fly",
        "brickyard dev --speed 0",
        "brickyard serve --json",
        "brickyard migrate --grant-to",
        "brickyard audit",
        "brickyard audit verify --head 3",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn the_file_may_be_named_anywhere() {
    for line in [
        "brickyard --config a.toml serve",
        "brickyard serve --config a.toml",
    ] {
        assert_eq!(
            parse(line).unwrap().config_path(),
            Some(PathBuf::from("a.toml"))
        );
    }
}

#[test]
fn check_config_tells_all_and_exits_with_2() {
    let loaded = config::load(None, std::iter::empty());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = check_config(&loaded, &mut out, &mut err).unwrap();
    assert_eq!(code, ExitCode::from(WRONG));
    let err = String::from_utf8(err).unwrap();
    assert!(
        out.is_empty() && err.contains("instance") && err.contains("database.url"),
        "{err}"
    );
}
