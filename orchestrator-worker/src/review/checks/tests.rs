use super::*;
use crate::review::finding::Severity;
use crate::review::source::{Language, RepoPath, Role, role_of};
use proptest::prelude::*;

fn run(path: &str, text: &str) -> Vec<Finding> {
    let path = RepoPath::from(path);
    let language = Language::detect(&path, text.lines().next().unwrap_or_default());
    let role = role_of(&path, language);
    check(&Source::new(path, language, role, true, text), &Limits::default())
}

fn ids(path: &str, text: &str) -> Vec<(String, u32)> {
    run(path, text)
        .into_iter()
        .map(|finding| (finding.check, finding.line.unwrap_or(0)))
        .collect()
}

fn at(list: &[(&str, u32)]) -> Vec<(String, u32)> {
    list.iter().map(|(check, line)| ((*check).to_owned(), *line)).collect()
}

#[test]
fn table() {
    let function = |lines: usize| format!("def f():\n{}", "    x = 1\n".repeat(lines));
    let deep = "def f():\n    if a:\n        for b in c:\n            while d:\n                with e:\n                    if g:\n                        if h:\n                            pass\n";
    for (path, text, expected) in [
        ("src/a.py", function(80), at(&[("size.function", 1)])),
        ("src/a.py", function(79), at(&[])),
        ("tests/a.py", function(200), at(&[])),
        ("src/a.py", deep.to_owned(), at(&[("nesting.deep", 7)])),
        ("src/a.rs", "fn a() {}\n".repeat(801), at(&[("size.file", 0)])),
        (
            "src/a.c",
            "int a;\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n".to_owned(),
            at(&[("merge.conflict", 2)]),
        ),
        ("a.md", "Title\n=======\n>>>>>>> quoted\n".to_owned(), at(&[])),
        (
            "src/a.js",
            format!("let a = {};\n", vec!["b"; 150].join(" + ")),
            at(&[("line.long", 1)]),
        ),
        ("src/a.js", format!("let a = '{}';\n", "b ".repeat(150)), at(&[])),
        (
            "src/a.rs",
            "// TODO: write\nlet a = 1; // see FIXME(ann): now\n// the TODO list is a struct\nlet todo = TODO;"
                .to_owned(),
            at(&[("debt.todo", 1), ("debt.todo", 2)]),
        ),
        (
            "src/a.rs",
            "fn a() { todo!() }\n#[cfg(test)]\nmod t { fn b() { unimplemented!() } }".to_owned(),
            at(&[("debt.stub", 1)]),
        ),
        (
            "src/a.js",
            "throw new Error('Not implemented');\nthrow new Error('the pin is not set');".to_owned(),
            at(&[("debt.stub", 1)]),
        ),
        ("src/a.py", "raise NotImplementedError".to_owned(), at(&[])),
    ] {
        assert_eq!(ids(path, &text), expected, "{path}: {}", &text[..text.len().min(80)]);
    }
}

#[test]
fn swallowed_errors() {
    for (path, text, expected) in [
        ("a.py", "try:\n    a()\nexcept Exception:\n    pass\n", vec![3]),
        ("a.py", "try:\n    a()\nexcept: pass\n", vec![3]),
        ("a.py", "try:\n    a()\nexcept:\n    log(1)\n", vec![3]),
        ("a.py", "try:\n    a()\nexcept:\n    clean()\n    raise\n", vec![]),
        (
            "a.py",
            "try:\n    a()\nexcept Exception:\n    pass  # closing anyway\n",
            vec![],
        ),
        ("a.py", "try:\n    a()\nexcept KeyError:\n    pass\n", vec![]),
        ("a.py", "try:\n    a()\nexcept Exception as e:\n    log(e)\n", vec![]),
        ("a.js", "try { a() } catch (e) {\n}", vec![1]),
        ("a.js", "try { a() } catch {}", vec![1]),
        ("a.js", "try { a() } catch (e) { /* not there: fine */ }", vec![]),
        ("a.js", "a().catch(() => {})", vec![1]),
        ("A.java", "try { a(); } catch (IOException e) { }", vec![1]),
        ("A.java", "try { a(); } catch (IOException e) { log(e); }", vec![]),
        ("a.go", "if err != nil {\n}\n_ = err\n", vec![1, 3]),
        ("a.go", "if err != nil {\n\treturn err\n}\n_ = f.Close()\n", vec![]),
        ("a.rb", "begin\n  a\nrescue => e\nend\nb rescue nil\n", vec![3, 5]),
        ("a.rb", "begin\n  a\nrescue => e\n  log e\nend\n", vec![]),
        (
            "src/a.rs",
            "fn a() {\nb.unwrap();\nb.unwrap();\nb.unwrap();\nb.unwrap();\npanic!();\n}",
            vec![2],
        ),
        (
            "src/a.rs",
            "fn a() {\nb.lock().unwrap();\nb.lock().unwrap();\nb.lock().unwrap();\nb.lock().unwrap();\nb.unwrap();\n}",
            vec![],
        ),
        (
            "src/a.rs",
            "#[cfg(test)]\nmod tests {\nb.unwrap();\nb.unwrap();\nb.unwrap();\nb.unwrap();\nb.unwrap();\n}",
            vec![],
        ),
    ] {
        let lines: Vec<u32> = run(path, text)
            .into_iter()
            .filter(|f| f.check.starts_with("error."))
            .filter_map(|f| f.line)
            .collect();
        assert_eq!(lines, expected, "{path}: {text}");
    }
}

#[test]
fn leftovers_are_counted_not_listed() {
    for (path, text, expected) in [
        (
            "src/a.js",
            "console.log(1)\nconsole.log(2)\n// console.log(3)\n",
            vec![("debug.print", 1, 2)],
        ),
        ("src/cli.js", "console.log(1)\n", vec![]),
        (
            "src/a.js",
            "function f() {\n  debugger;\n}\n",
            vec![("debug.breakpoint", 2, 1)],
        ),
        (
            "pkg/a.py",
            "print(1)\nprint('x')\nself.print(2)\n",
            vec![("debug.print", 1, 2)],
        ),
        ("pkg/a.py", "print(1)\nif __name__ == '__main__':\n    pass\n", vec![]),
        (
            "src/a.rs",
            "fn f() { dbg!(x); println!(\"a\"); }",
            vec![("debug.dbg", 1, 1), ("debug.print", 1, 1)],
        ),
        (
            "a.test.js",
            "it.only('x', f)\ndescribe.skip('y', g)\n",
            vec![("test.only", 1, 1), ("test.skipped", 2, 1)],
        ),
        ("src/a.js", "model.fit(x)\nit.only(y)\n", vec![]),
    ] {
        let found: Vec<_> = run(path, text)
            .into_iter()
            .map(|f| (f.check, f.line.unwrap_or(0), f.count))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(check, line, count)| (check.to_owned(), line, count))
            .collect();
        assert_eq!(found, expected, "{path}: {text}");
    }
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    let unsound = |text: &str| {
        run("src/a.rs", text)
            .iter()
            .filter(|f| f.check == "unsafe.unexplained")
            .count()
    };
    assert_eq!(unsound("fn a() {\n    unsafe { b() }\n}"), 1);
    assert_eq!(unsound("fn a() {\n    // SAFETY: b is pure.\n    unsafe { b() }\n}"), 0);
    assert_eq!(
        unsound("fn a() {\n    unsafe {\n        // Safety: b is pure.\n        b()\n    }\n}"),
        0
    );
    assert_eq!(unsound("/// # Safety\n/// Never.\npub unsafe fn a() {}"), 0);
    assert_eq!(unsound("pub unsafe fn a() {}\nunsafe impl Send for A {}"), 2);
    assert_eq!(unsound("// unsafe { }\nlet s = \"unsafe { }\";"), 0);
}

#[test]
fn commented_out_code_is_told_from_prose() {
    let dead = |path: &str, text: &str| run(path, text).iter().any(|f| f.check == "dead.commented_code");
    assert!(dead("a.js", "// let a = 1;\n// if (a) {\n//   b();\n//   c();\n// }\n"));
    assert!(dead(
        "a.py",
        "# def f():\n#     x = 1\n#     for y in z:\n#         g(y)\n#     return x\n"
    ));
    assert!(!dead(
        "a.js",
        "// This explains;\n// what the thing does {\n// and why it is done;\n// in the way that;\n// it is done;\n"
    ));
    assert!(!dead(
        "a.rs",
        "/// let a = 1;\n/// let a = 1;\n/// let a = 1;\n/// let a = 1;\n/// let a = 1;\n"
    ));
    assert!(!dead(
        "a.js",
        "// Example:\n// let a = 1;\n// b();\n// c();\n// d();\n// e();\n"
    ));
    assert!(!dead(
        "a.py",
        "# Copyright 2020\n# Licensed under X\n# you may not use\n# this file except\n# in compliance\n"
    ));
}

#[test]
fn findings_are_bounded_by_the_file_and_complete() {
    let text = "import os\ntry:\n    os.system(x)\nexcept: pass\n# FIXME: y\n";
    let findings = run("src/a.py", text);
    assert_eq!(findings.len(), 3);
    for finding in findings {
        assert!(!finding.message.is_empty() && !finding.why.is_empty() && finding.severity >= Severity::Info);
    }
}

#[test]
fn hostile_files_take_no_hours_and_no_room() {
    for piece in [
        "(/[",
        "{",
        "if(x){",
        "def a\n",
        "=<<A\n",
        "'",
        "`${",
        "/*",
        "password",
        "f(x);\n",
        "// TODO\n",
        "}\n",
        "a,{},",
        "r#\"",
        "<<",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        for language in [
            Language::JavaScript,
            Language::Ruby,
            Language::Rust,
            Language::Python,
            Language::Shell,
            Language::C,
        ] {
            let source = Source::new(RepoPath::from("src/a"), language, Role::Source, false, &text);
            assert!(check(&source, &Limits::default()).len() <= 200);
        }
    }
}

#[test]
fn many_of_a_kind_are_counted() {
    let findings = run("src/a.rs", &"// TODO: x\n".repeat(80));
    assert_eq!((findings.len(), findings[0].count), (50, 31));
}

proptest! {
    // Each case is tried in every language.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_is_checked_without_a_panic(text in "(?s)(\\PC|\n| |\\{|\\}|\\(|\\)|'|\"|unsafe|except:|eval\\(|TODO|// |# ){0,60}") {
        for language in Language::ALL {
            let source = Source::new(RepoPath::from("src/a"), *language, Role::Source, true, &text);
            let lines = source.lines.len() as u32;
            for finding in check(&source, &Limits::default()) {
                prop_assert!(finding.line.unwrap_or(1) <= lines && finding.end_line.unwrap_or(1) <= lines);
            }
            let _ = secret::redact_source(&source);
        }
    }
}
