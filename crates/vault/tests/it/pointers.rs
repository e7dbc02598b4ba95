//! Secrets for members of arguments, which a JSON Pointer names.

use toolvault_core::conversion::Types;
use toolvault_core::policy::Policy;
use toolvault_vault::{Error, Source};

use crate::harness::{Answered as _, App, NewSecretExt as _, call, secret};

on_both! {
    async fn a_default_goes_to_the_member_that_its_pointer_names(app: App) {
        let operator = app.operator().await;
        operator.store(secret("key", "value of key").default_for("tool", "/params/api_key")).await;
        for (args, completed) in [
            ("{}", r#"{"params":{"api_key":"value of key"}}"#),
            (r#"{"params":null}"#, r#"{"params":{"api_key":"value of key"}}"#),
            (r#"{"params":{"q":1.0}}"#, r#"{"params":{"q":1.0,"api_key":"value of key"}}"#),
            (r#"{"params":{"api_key":null}}"#, r#"{"params":{"api_key":"value of key"}}"#),
            (r#"{"params":{"api_key":""}}"#, r#"{"params":{"api_key":""}}"#),
            (r#"{"params":{ "api_key" : "mine"}}"#, r#"{"params":{ "api_key" : "mine"}}"#),
            (r#"{"api_key":"other"}"#, r#"{"api_key":"other","params":{"api_key":"value of key"}}"#),
        ] {
            let answer = call("tool").args(args).resolve(&operator).await.unwrap();
            assert_eq!(answer.json(), completed, "{args}");
            for applied in &answer.applied {
                assert_eq!((applied.arg.as_str(), applied.source), ("/params/api_key", Source::Default));
            }
        }
    }

    async fn what_is_no_object_leaves_no_place(app: App) {
        let operator = app.operator().await;
        operator.store(secret("key", "value of key").default_for("tool", "/params/api_key")).await;
        operator.store(secret("other", "value of other")).await;
        for args in [r#"{"params":"text"}"#, r#"{"params":""}"#, r#"{"params":[{}]}"#, r#"{"params":7}"#] {
            let problems = call("tool").args(args).problems(&operator).await;
            assert_eq!(problems[0].kind, "secret_not_available", "{args}");
            assert_eq!(problems[0].location, ["args", "/params/api_key"]);
            assert!(problems[0].message.contains("not an object"), "{}", problems[0].message);
            let problems = call("other").args(args).binding("/params/k", "secret://other").problems(&operator).await;
            assert_eq!(problems[0].location, ["bindings", "/params/k"], "{args}");
            let problems = call("tool").args(args).require(&["z"]).problems(&operator).await;
            assert_eq!(problems.len(), 2, "{args}: all problems are told at once");
        }
    }

    async fn bindings_accepts_and_require_take_pointers(app: App) {
        let operator = app.operator().await;
        operator.store(secret("a", "value of a").default_for("tool", "/p/a")).await;
        operator.store(secret("b", "value of b").default_for("tool", "/p/b")).await;
        operator.store(secret("free", "value of free")).await;
        operator.store(secret("bound", "value of bound").bound("tool", "/p/c")).await;
        let answer = call("tool").accepts(&["/p/b"]).resolve(&operator).await.unwrap();
        assert_eq!(answer.json(), r#"{"p":{"b":"value of b"}}"#);
        let answer = call("tool").args(r#"{"p":{"a":"mine","b":"mine"}}"#)
            .binding("/p/a", "secret://free").binding("/p/c", "secret://bound").resolve(&operator).await.unwrap();
        assert_eq!(answer.json(), r#"{"p":{"a":"value of free","b":"mine","c":"value of bound"}}"#);
        let problems = call("tool").binding("/p/d", "secret://bound").problems(&operator).await;
        assert_eq!(problems[0].kind, "secret_not_available");
        let problems = call("tool").require(&["/p/a", "/p/z", "p"]).problems(&operator).await;
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].kind, problems[0].location.as_slice()), ("secret_missing", ["require".to_owned(), "/p/z".to_owned()].as_slice()));
        let answer = call("tool").args(r#"{"p":{"z":0}}"#).require(&["/p/z"]).resolve(&operator).await.unwrap();
        assert_eq!(answer.applied.len(), 2);
    }

    async fn a_pointer_wins_over_the_argument_that_holds_it(app: App) {
        let operator = app.operator().await;
        operator.store(secret("whole", "value of whole").default_for("tool", "params")).await;
        operator.store(secret("free", "value of free")).await;
        let second = operator.try_store(secret("member", "value of member").default_for("t*", "/params/key")).await.unwrap();
        assert!(second.warnings.iter().any(|warning| warning.contains("the pointer wins")), "{:?}", second.warnings);
        for args in ["{}", r#"{"params":null}"#] {
            let answer = call("tool").args(args).resolve(&operator).await.unwrap();
            assert_eq!(answer.json(), r#"{"params":{"key":"value of member"}}"#);
            assert_eq!(answer.applied.len(), 1);
        }
        let answer = call("tool").binding("params", "secret://whole").resolve(&operator).await.unwrap();
        assert_eq!(answer.json(), r#"{"params":{"key":"value of member"}}"#);
        let told = call("tool").explain(&operator).await.unwrap();
        let outcomes: Vec<_> = told.arguments.iter().map(|one| (one.arg.as_str(), one.outcome)).collect();
        assert_eq!(outcomes, [("/params/key", "default"), ("params", "none")]);
        // Nothing serves the pointer, so the argument around it keeps its value.
        let told = call("other").binding("params", "secret://free").require(&["/params/key"]).explain(&operator).await.unwrap();
        let outcomes: Vec<_> = told.arguments.iter().map(|one| (one.arg.as_str(), one.outcome)).collect();
        assert_eq!(outcomes, [("/params/key", "secret_missing"), ("params", "binding")]);
        // A wrong reference stays an error, though its place gives way.
        for args in ["{}", r#"{"params":{"a":1}}"#] {
            let problems = call("tool").args(args).binding("params", "secret://nothing").problems(&operator).await;
            assert_eq!((problems[0].kind, problems[0].location.as_slice()), ("secret_not_available", ["bindings".to_owned(), "params".to_owned()].as_slice()));
        }
        // Only for accepted arguments.
        let answer = call("tool").accepts(&["params"]).resolve(&operator).await.unwrap();
        assert_eq!(answer.json(), r#"{"params":"value of whole"}"#);
        // The pointer of one step is the same place as the name, and wins too.
        operator.store(secret("again", "value of again").default_for("t*", "/params")).await;
        let answer = call("tool").accepts(&["params"]).resolve(&operator).await.unwrap();
        assert_eq!(answer.json(), r#"{"params":"value of again"}"#);
        assert_eq!(answer.applied[0].arg, "/params");
    }

    async fn a_pointer_shadows_a_protected_default_of_the_whole_argument(app: App) {
        let operator = app.operator().await;
        let whole = operator.store(secret("whole", "value of whole").default_for("tool", "params")).await;
        let policy = Policy { protected: true, ..Policy::default() };
        operator.vault.set_policy(&operator.caller, whole.secret_id, policy, Vec::new()).await.unwrap();
        let refused = operator.try_store(secret("member", "value").default_for("t*", "/params/key")).await;
        assert!(matches!(refused, Err(Error::Denied(_))));
        operator.try_store(secret("elsewhere", "value").default_for("t*", "/other/key")).await.unwrap();
    }

    async fn a_pointer_with_a_wrong_escape_is_stored_with_a_warning_and_leads_nowhere(app: App) {
        let operator = app.operator().await;
        let answer = operator.try_store(secret("key", "value of key").default_for("tool", "/params/~key")).await.unwrap();
        assert!(answer.warnings.iter().any(|warning| warning.contains("JSON Pointer")), "{:?}", answer.warnings);
        assert_eq!(call("tool").resolve(&operator).await.unwrap().json(), "{}");
        let problems = call("tool").binding("/params/~key", "secret://key").problems(&operator).await;
        assert_eq!(problems[0].kind, "secret_not_available");
    }

    async fn a_policy_looks_at_companions_inside_arguments(app: App) {
        let operator = app.operator().await;
        let key = operator.store(secret("key", "value of key").default_for("tool", "/p/key")).await;
        let when = [("/p/url".to_owned(), vec!["https://api.example.com/*".to_owned()])].into();
        let policy = Policy { when, ..Policy::default() };
        operator.vault.set_policy(&operator.caller, key.secret_id, policy, Vec::new()).await.unwrap();
        for (args, is_allowed) in [
            ("{}", true),
            (r#"{"p":{"url":"https://api.example.com/x"}}"#, true),
            (r#"{"p":{"url":"https://evil.example/x"}}"#, false),
            (r#"{"p":{"url":7}}"#, false),
            (r#"{"url":"https://evil.example/x"}"#, true),
        ] {
            assert_eq!(call("tool").args(args).resolve(&operator).await.is_ok(), is_allowed, "{args}");
        }
    }

    async fn a_text_becomes_the_type_that_the_tool_takes_or_the_call_is_refused(app: App) {
        let operator = app.operator().await;
        operator.store(secret("number", "12345678").default_for("tool", "/p/n")).await;
        operator.store(secret("list", "[1, \"a\"]").default_for("tool", "list")).await;
        let asked = |list: &str| {
            let mut call = call("tool").build();
            call.types = [("/p/n", "integer"), ("list", list)]
                .map(|(argument, name)| (argument.to_owned(), Types::named(name))).into();
            call
        };
        let mut answers = operator.vault.resolve(&operator.caller, vec![asked("array"), asked("object")]).await.unwrap();
        let refused = answers.pop().unwrap().map(|completed| completed.json());
        let Err(Error::Unresolved(problems)) = refused else { panic!("it was completed") };
        assert_eq!((problems.len(), problems[0].kind), (1, "secret_not_available"));
        assert!(problems[0].message.contains("not of the type object"), "{}", problems[0].message);
        let completed = answers.pop().unwrap().unwrap();
        assert_eq!(completed.json(), r#"{"p":{"n":12345678},"list":[1, "a"]}"#);
    }
}
