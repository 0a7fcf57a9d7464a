use crate::review::checks::check;
use crate::review::options::Limits;
use crate::review::source::{Language, RepoPath, Role, Source};

/// The ids of the dangers found in a production file of that name.
fn dangers(path: &str, text: &str) -> Vec<String> {
    let path = RepoPath::from(path);
    let language = Language::detect(&path, "");
    let source = Source::new(path, language, Role::Source, false, text);
    check(&source, &Limits::default())
        .into_iter()
        .filter(|finding| {
            finding.severity > crate::review::finding::Severity::Low || finding.check.starts_with("correct")
        })
        .map(|finding| {
            finding
                .check
                .strip_prefix("danger.")
                .unwrap_or(&finding.check)
                .to_owned()
        })
        .collect()
}

#[test]
fn dangerous_calls_are_found() {
    for (path, text, expected) in [
        ("a.py", "x = eval(y)", "eval"),
        ("a.py", "exec(code, {})", "eval"),
        ("a.py", "os.system('rm ' + name)", "shell"),
        ("a.py", "subprocess.run(\n    f'ls {x}',\n    shell=True,\n)", "shell"),
        ("a.py", "pickle.load(f)", "deserialize"),
        ("a.py", "yaml.load(f)", "deserialize"),
        ("a.py", "requests.get(u, verify=False)", "tls"),
        ("a.py", "c.execute(f\"SELECT * FROM t WHERE a = '{x}'\")", "sql"),
        ("a.py", "c.execute(\"DELETE FROM t WHERE a = %s\" % x)", "sql"),
        (
            "a.py",
            "c.execute(\"SELECT * FROM t WHERE a LIKE '%{}%'\".format(x))",
            "sql",
        ),
        ("a.js", "db.query(\"SELECT * FROM t WHERE a = '\" + x + \"'\")", "sql"),
        ("a.py", "def f(a, b=[]):\n    pass", "correctness.mutable_default"),
        ("a.py", "app.run(host='0.0.0.0', debug=True)", "debug_server"),
        ("a.js", "eval(x)", "eval"),
        ("a.js", "const f = new Function('a', b)", "eval"),
        ("a.js", "el.innerHTML = '<b>' + name", "html"),
        ("a.jsx", "<p dangerouslySetInnerHTML={{__html: x}} />", "html"),
        ("a.js", "exec(`git log ${ref}`)", "shell"),
        ("a.ts", "new Agent({ rejectUnauthorized: false })", "tls"),
        ("a.ts", "db.query(`SELECT * FROM t WHERE a = ${x}`)", "sql"),
        ("a.go", "c := &tls.Config{InsecureSkipVerify: true}", "tls"),
        ("a.go", "exec.Command(\"sh\", \"-c\", cmd)", "shell"),
        (
            "a.go",
            "db.Query(fmt.Sprintf(\"SELECT * FROM t WHERE a = '%s'\", a))",
            "sql",
        ),
        ("A.java", "new ObjectInputStream(in)", "deserialize"),
        ("A.java", "st.executeQuery(\"SELECT * FROM t WHERE a = '\" + a)", "sql"),
        ("a.c", "  gets(buf);", "buffer"),
        ("a.php", "<?php eval($x);", "eval"),
        ("a.php", "<?php echo 'hi ' . $_GET['name'];", "html"),
        ("a.rb", "eval(x)", "eval"),
        ("a.rb", "system(\"ls #{dir}\")", "shell"),
        ("a.rs", ".danger_accept_invalid_certs(true)", "tls"),
        ("a.rs", "static mut COUNT: u32 = 0;", "static_mut"),
        ("a.sh", "curl -sSL https://x.y/install.sh | sudo bash", "pipe_to_shell"),
        ("Dockerfile", "RUN curl https://x.y/i | sh", "pipe_to_shell"),
        ("a.sh", "rm -rf \"$DIR\"/", "remove"),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps:\n      - run: |\n          echo \"${{ github.event.issue.title }}\"\n",
            "workflow_injection",
        ),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(dangers(path, text), expected, "{path}: {text}");
    }
}

#[test]
fn harmless_calls_are_not() {
    for (path, text) in [
        ("a.py", "model.eval()\nliteral_eval(x)\ndf.eval(x)"),
        ("a.py", "s = 'eval(x)'  # eval(y)"),
        ("a.py", "def eval(x): return x"),
        ("a.py", "os.system('clear')"),
        ("a.py", "subprocess.run(['ls', x])\nsubprocess.run(['ls'], shell=False)"),
        ("a.py", "yaml.safe_load(f)\nyaml.load(f, Loader=yaml.SafeLoader)"),
        ("a.py", "c.execute(\"SELECT * FROM t WHERE a = %s\", (x,))"),
        (
            "a.py",
            "c.execute(\"SELECT COUNT(*) FROM %s WHERE b = %%s\" % table, [b])",
        ),
        ("a.go", "db.Query(fmt.Sprintf(\"SELECT * FROM %s\", t))"),
        ("a.py", "subprocess.run(\n    'git log -1',\n    shell=True)"),
        ("A.java", "Runtime.getRuntime().exec(new String[] {\"ls\", dir})"),
        ("a.py", "def f(a, b=(), c=None, d={'x': 1}): pass"),
        ("a.js", "regex.exec(x); /eval(x)/.test(y)"),
        ("a.js", "el.innerHTML = ''; if (el.innerHTML === x) {}"),
        ("a.js", "db.query('SELECT * FROM t WHERE a = $1', [x])"),
        ("a.js", "exec('git status', cb)"),
        ("a.go", "exec.Command(\"git\", \"log\", ref)"),
        ("a.go", "db.Query(\"SELECT * FROM t WHERE a = ?\", x)"),
        ("a.c", "fgets(buf, n, f); x->gets(y);"),
        ("a.rb", "system('ls', dir)\nYAML.safe_load(x)"),
        ("a.rs", "let x = \"static mut\";"),
        (
            "a.sh",
            "curl https://x.y -o f\n# curl https://x | sh\nrm -rf \"${DIR:?}\"/",
        ),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps:\n      - env:\n          T: ${{ github.event.issue.title }}\n        run: echo \"$T\"\n      - run: echo ${{ github.sha }}\n",
        ),
    ] {
        assert_eq!(dangers(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}
