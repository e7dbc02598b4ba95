use super::*;

fn read(options: &[&str]) -> Result<Variables, String> {
    let options: Vec<String> = options.iter().map(|&text| text.to_owned()).collect();
    Variables::read(&options, None).map_err(|failure| failure.to_string())
}

#[test]
fn names_that_run_code_and_our_own_are_refused() {
    for name in ["LD_PRELOAD", "TOOLVAULT_API_KEY"] {
        assert!(read(&[&format!("{name}=secret://a")]).is_err(), "{name}");
    }
    for name in ["", "1A", "A-B", "A B", "Ä", "a/b"] {
        let refused = read(&[&format!("{name}=secret://a")]).err().unwrap();
        assert!(
            refused.contains("is not the name of a variable"),
            "{refused}"
        );
    }
    for text in [
        "A",
        "A=text",
        "A=",
        "secret://a",
        "A= secret://a",
        "A=SECRET://a",
    ] {
        assert!(read(&[text]).is_err(), "{text}");
    }
    let variables = read(&[
        "GITHUB_TOKEN=secret://a",
        "_x1=secret:///id/01900000-0000-7000-8000-000000000000",
    ])
    .unwrap();
    assert_eq!(variables.references["GITHUB_TOKEN"], "secret://a");
    assert_eq!(
        variables.references["_x1"],
        "secret:///id/01900000-0000-7000-8000-000000000000"
    );
}

#[test]
fn a_file_has_references_and_text_and_options_win() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines = "# comment\n\nexport A=secret://a\n B='plain text'\nC=\"secret://c\"\nD=x=y\nE=secret://old\nPATH=/bin\n";
    std::fs::write(file.path(), lines).unwrap();
    let options = ["E=secret://new".to_owned()];
    let variables = Variables::read(&options, Some(file.path())).unwrap();
    let references: Vec<_> = variables
        .references
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(
        references,
        [
            ("A", "secret://a"),
            ("C", "secret://c"),
            ("E", "secret://new")
        ]
    );
    assert_eq!(variables.texts["B"], "plain text");
    assert_eq!(variables.texts["D"], "x=y");
    std::fs::write(file.path(), "A=secret://a\nPATH=secret://x\n").unwrap();
    let refused = Variables::read(&[], Some(file.path()))
        .err()
        .unwrap()
        .to_string();
    assert!(refused.contains(":2: PATH decides"), "{refused}");
}

fn read_file(text: &str) -> Result<Variables, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Variables::read(&[], Some(file.path())).map_err(|failure| {
        let path = file.path().display().to_string();
        failure.to_string().replace(&path, "file")
    })
}

#[test]
fn an_error_tells_the_line_and_nothing_of_a_value() {
    let name = "what is before the '=' is not the name of a variable; a value has one line";
    for (text, why) in [
        (
            "KEY=-----BEGIN\nMIIEcanary\n",
            "file:2: a variable is written NAME=REFERENCE; a value has one line",
        ),
        ("KEY=a\nMIIE/canary==\n", &format!("file:2: {name}")),
        ("sk-canary=x\n", &format!("file:1: {name}")),
        (
            "A=1\nKEY=\"-----BEGIN canary\nMIIE=\n",
            "file:2: a quote is not closed; a value has one line",
        ),
        (
            "A='x' canary\n",
            "file:1: there is text after a closing quote",
        ),
    ] {
        assert_eq!(read_file(text).err().as_deref(), Some(why));
    }
    for option in ["sk-canary", "sk-canary=x"] {
        let refused = read(&[option]).err().unwrap();
        assert!(!refused.contains("canary"), "{refused}");
    }
}

#[test]
fn a_reference_is_a_whole_value_or_an_error() {
    for line in [
        "A= secret://gh ",
        "A=\"secret://gh\" # comment",
        "export A='secret://gh'#",
    ] {
        let variables = read_file(line).ok().unwrap();
        assert_eq!(variables.references["A"], "secret://gh", "{line}");
    }
    for line in [
        "A=\"secret://gh",
        "A=SECRET://gh",
        "A=Bearer secret://gh",
        "A={{ secret://gh }}",
        "A=secret://gh # comment",
        "A=\" secret://gh\"",
        "A=secret://",
    ] {
        let refused = read_file(line).err().unwrap_or_default();
        assert!(refused.starts_with("file:1: "), "{line} {refused}");
    }
    let texts = read_file("A= x  # y\nB=\"{\"a\": 1}\"\nC=' x '\nD=\n")
        .ok()
        .unwrap()
        .texts;
    let expected = [
        ("A", "x  # y"),
        ("B", "{\"a\": 1}"),
        ("C", " x "),
        ("D", ""),
    ];
    assert!(
        texts
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .eq(expected)
    );
}
