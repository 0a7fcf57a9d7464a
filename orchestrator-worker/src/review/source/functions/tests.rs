use super::*;
use proptest::prelude::*;

fn spans(language: Language, text: &str) -> Vec<(String, u32, u32)> {
    let mask = Mask::new(language, text);
    find(language, &mask)
        .0
        .into_iter()
        .map(|function| (function.name, function.line, function.end_line))
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn functions_of_every_language_are_found() {
    for (language, text, expected) in [
        (
            Language::Rust,
            "#[inline]\npub fn a<T>(x: T) -> Result<T, E>\nwhere\n    T: Fn() -> u8,\n{\n    let s = S { a: \"}\" };\n    s\n}\ntrait T { fn b(); }\nimpl X {\n    fn c(&self) { if x { y() } }\n}\n",
            vec![("a", 2, 8), ("c", 11, 11)],
        ),
        (
            Language::Go,
            "func (r *T) A(x struct{ y int }) (int, error) {\n\tgo func() {\n\t}()\n}\nfunc B() interface{} {\n}\n",
            vec![("A", 1, 4), ("B", 5, 6)],
        ),
        (
            Language::JavaScript,
            "function a({x, y} = {}) {\n}\nconst b = async (x) => {\n  list.map(function () {\n  })\n}\nclass C {\n  static d(x) {\n    if (x) {\n    }\n  }\n}\nit('x', () => {\n})\n",
            vec![("a", 1, 2), ("b", 3, 6), ("d", 8, 11)],
        ),
        (
            Language::TypeScript,
            "export function a(x: {y: number}): { z: string } {\n  return {z: ''}\n}\nclass B {\n  private async c<T>(x: T): Promise<T> {\n  }\n}\nconst o = { x: 1 }\nexport const d = (y: A): B => {\n}\n",
            vec![("a", 1, 3), ("c", 5, 6), ("d", 9, 10)],
        ),
        (
            Language::Java,
            "class A {\n  @Test(x = {1})\n  public void a() throws X {\n    new Thread(() -> {\n    });\n    if (x) {\n    }\n  }\n  A() {\n  }\n}\n",
            vec![("a", 3, 8), ("A", 9, 10)],
        ),
        (
            Language::Kotlin,
            "fun a(x: Int): Int {\n  return x\n}\nfun b() = 1\nclass C {\n  override fun d() {\n  }\n}\n",
            vec![("a", 1, 3), ("d", 6, 7)],
        ),
        (
            Language::Swift,
            "func a() -> Int {\n}\nstruct B {\n  init(x: Int) {\n  }\n}\n",
            vec![("a", 1, 2), ("init", 4, 5)],
        ),
        (
            Language::C,
            "#define X(a) do { \\\n  a } while (0)\nstatic int\na(struct b *c)\n{\n#ifdef Y\n  if (x) {\n#else\n  if (y) {\n#endif\n  }\n}\nstruct z { int q; };\nint d(void) {\n}\n",
            vec![("a", 4, 12), ("d", 14, 15)],
        ),
        (
            Language::Cpp,
            "namespace n {\nA::A(int x) : b(x), c{x} {\n}\nint B::go() const {\n  auto f = [&](int x) {\n  };\n}\n}\n",
            vec![("A::A", 2, 3), ("B::go", 4, 7)],
        ),
        (
            Language::CSharp,
            "namespace N {\n  class A {\n    public int X { get; set; }\n    public async Task<int> Go(int x) {\n    }\n  }\n}\n",
            vec![("Go", 4, 5)],
        ),
        (Language::Dart, "Future<void> a() async {\n}\n", vec![("a", 1, 2)]),
        (
            Language::Php,
            "<?php\nclass A {\n  public function b(array $x = []): ?int {\n    foreach ($x as $y) {\n    }\n  }\n}\n",
            vec![("b", 3, 6)],
        ),
        (
            Language::Scala,
            "object A {\n  def b(x: Int): Int = {\n    x\n  }\n}\n",
            vec![("b", 2, 4)],
        ),
        (Language::Zig, "pub fn a(x: u8) !void {\n}\n", vec![("a", 1, 2)]),
        (
            Language::PowerShell,
            "function Get-It {\n  if ($x) {\n  }\n}\n",
            vec![("Get-It", 1, 4)],
        ),
        (
            Language::Python,
            "@deco\ndef a(\n    x,\n) -> int:\n    \"\"\"Doc\n\nend\n    \"\"\"\n    def b():\n        pass\n\n    return x\n\nclass C:\n    async def d(self): return 1\nx = 1\n",
            vec![("a", 2, 12), ("b", 9, 10), ("d", 15, 15)],
        ),
        (
            Language::Ruby,
            "class A\n  def b(x)\n    x.each do |y|\n    end\n  end\n  def c = 1\n  private def d?\n  end\nend\n",
            vec![("b", 2, 5), ("d?", 7, 8)],
        ),
        (
            Language::Lua,
            "local function a(x)\n  if x then\n  end\nend\nM.b = function(y)\nend\nfunction M:c() return 1 end\n",
            vec![("a", 1, 4), ("M.b", 5, 6)],
        ),
        (
            Language::Shell,
            "a() {\n  if x; then\n    y\n  fi\n}\nfunction b\n{\n  c\n}\n",
            vec![("a", 1, 5), ("b", 6, 9)],
        ),
        (Language::Perl, "sub a {\n  if ($x) {\n  }\n}\n", vec![("a", 1, 4)]),
        (
            Language::Elixir,
            "defmodule A do\n  def b(x) do\n    if x do\n    end\n  end\n  def c(x), do: x\nend\n",
            vec![("b", 2, 5)],
        ),
        (Language::Markdown, "function a() {\n}\n", vec![]),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, from, to)| (name.to_owned(), from, to))
            .collect();
        assert_eq!(spans(language, text), expected, "{language}:\n{text}");
    }
}

#[test]
fn nested_functions_are_not_counted_twice() {
    let mask = Mask::new(
        Language::Python,
        "def a():\n    x = 1\n    def b():\n        y = 1\n        z = 1\n    return b\n",
    );
    let counts: Vec<_> = find(Language::Python, &mask)
        .0
        .into_iter()
        .map(|f| (f.name, f.code_lines))
        .collect();
    assert_eq!(counts, [("a".to_owned(), 3), ("b".to_owned(), 3)]);
}

#[test]
fn nesting_counts_control_structures_only() {
    let deepest = |language, text: &str| find(language, &Mask::new(language, text)).0[0].nesting;
    assert_eq!(
        deepest(
            Language::Rust,
            "fn a() { if x { for y in z { match q { A => { S { a: 1 } } } } } else { } }"
        ),
        3
    );
    assert_eq!(
        deepest(
            Language::JavaScript,
            "function a() {\n  if (x) {\n    b(() => {\n      while (y) {\n      }\n    })\n  } else if (z) {\n  }\n}"
        ),
        2
    );
    assert_eq!(
        deepest(
            Language::Python,
            "def a():\n    if x:\n        for y in z:\n            pass\n    elif (b and\n            c):\n        pass\n    x = 1 if y else 2\n"
        ),
        2
    );
    assert_eq!(
        deepest(
            Language::Go,
            "func a() {\n\tif x := y(); x {\n\t\tfor {\n\t\t}\n\t}\n}\n"
        ),
        2
    );
}

#[test]
fn rust_test_modules_are_known() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nmod latest {\n}\n";
    let (_, tests) = find(Language::Rust, &Mask::new(Language::Rust, text));
    assert_eq!(tests, vec![2..=5]);

    // The tests in a module are not told once more.
    let text = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() {\n    }\n}\n#[test]\nfn b() {\n}\n";
    let (_, tests) = find(Language::Rust, &Mask::new(Language::Rust, text));
    assert_eq!(tests, vec![1..=6, 8..=9]);
}

proptest! {
    // Each case is tried in every language.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_gives_spans_inside_it(text in "(?s)[a-z(){}\\[\\];:=>\n #\"']{0,200}|(fn a\\(\\) \\{|\\}|def b\\(\\):|  x\n|end\n|\n){0,30}") {
        let lines = text.split('\n').count() as u32;
        for language in Language::ALL {
            let mask = Mask::new(*language, &text);
            for function in find(*language, &mask).0 {
                prop_assert!(function.line >= 1 && function.line <= function.end_line && function.end_line <= lines);
                prop_assert!(function.code_lines <= function.end_line - function.line + 1);
            }
        }
    }
}
