#!/usr/bin/env bash
# Makes the fonts of this folder anew: Inter and JetBrains Mono (Debian's packages) reduced to what people write in
# Latin, Greek and Cyrillic, and the icons named in icons.txt (the npm package lucide-static). In more/ is what browsers
# load once a text needs it: Noto for some other scripts, Noto Emoji (npm), and Droid Sans Fallback for Chinese, Japanese
# and Korean.
#
# Needed only when icons.txt or the ranges change: what it makes is committed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in apt-get dpkg-deb npm python3; do
    command -v "$tool" >/dev/null || { echo "fonts: $tool is missing; install it and try again" >&2; exit 1; }
done
cd "$work"
apt-get download fonts-inter fonts-jetbrains-mono fonts-noto-core fonts-droid-fallback
for package in ./*.deb; do dpkg-deb -x "$package" root; done
npm pack --silent lucide-static >/dev/null
tar xzf lucide-static-*.tgz
npm pack --silent @fontsource/noto-emoji >/dev/null
mkdir emoji
tar xzf fontsource-noto-emoji-*.tgz -C emoji
python3 -m venv venv
venv/bin/pip install --quiet fonttools brotli

text='U+0020-024F,U+0259,U+02BC,U+02C6-02DD,U+0300-036F,U+0370-03FF,U+0400-04FF,U+1E00-1EFF,U+2000-206F,U+20A0-20BF,U+2100-214F,U+2150-218F,U+2190-21FF,U+2200-22FF,U+25A0-25FF,U+2713-2717,U+FFFD'
# subset FROM TO FEATURES RANGES
subset() {
    venv/bin/pyftsubset "$1" --output-file="$here/$2" --layout-features="$3" --unicodes="$4" --no-hinting --name-IDs='*'
}
for weight in Regular Medium SemiBold; do
    subset "root/usr/share/fonts/opentype/inter/Inter-$weight.otf" "Inter-$weight.otf" 'kern,mark,mkmk,ccmp,locl,calt,tnum' "$text"
done
# Without ligatures: output is shown as it was written.
subset root/usr/share/fonts/truetype/jetbrains-mono/JetBrainsMono-Regular.ttf JetBrainsMono-Regular.ttf \
    'kern,mark,mkmk,ccmp,locl' "$text,U+2500-257F,U+2580-259F"

# What a script needs to be put together (Arabic's joins, emoji of several) is kept.
mkdir -p "$here/more"
noto=root/usr/share/fonts/truetype/noto
subset $noto/NotoSansArabic-Regular.ttf more/arabic.ttf '*' \
    'U+0600-06FF,U+0750-077F,U+08A0-08FF,U+200C-200F,U+FB50-FDFF,U+FE70-FEFF'
subset $noto/NotoSansHebrew-Regular.ttf more/hebrew.ttf '*' 'U+0590-05FF,U+FB1D-FB4F'
subset $noto/NotoSansDevanagari-Regular.ttf more/devanagari.ttf '*' '*'
subset $noto/NotoSansThai-Regular.ttf more/thai.ttf '*' '*'
subset root/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf more/cjk.ttf '' \
    'U+1100-11FF,U+2E80-2FDF,U+3000-33FF,U+3400-4DBF,U+4E00-9FFF,U+AC00-D7AF,U+F900-FAFF,U+FE30-FE4F,U+FF00-FFEF'
venv/bin/python -c 'import sys; from fontTools.ttLib import TTFont; f = TTFont(sys.argv[1]); f.flavor = None; f.save(sys.argv[2])' \
    emoji/package/files/noto-emoji-emoji-400-normal.woff2 emoji.ttf
subset emoji.ttf more/emoji.ttf '*' \
    'U+200D,U+203C,U+2049,U+20E3,U+2300-27BF,U+2934-2935,U+2B05-2B55,U+3030,U+303D,U+3297,U+3299,U+FE0F,U+1F000-1FAFF,U+E0062-E007F'

# Each icon's code point, and the Rust table that names them.
python3 - "$here" <<'PYTHON' >codes
import json, pathlib, sys
here = pathlib.Path(sys.argv[1])
codes = json.loads(pathlib.Path("package/font/codepoints.json").read_text())
names = [line.strip() for line in (here / "icons.txt").read_text().splitlines() if line.strip()]
missing = [name for name in names if name not in codes]
if missing:
    sys.exit(f"fonts: lucide has no icon {', '.join(missing)}; change icons.txt")
print(",".join(f"U+{codes[name]:04X}" for name in names))
lines = ["//! The icons, by name. Made by `fonts/make.sh` from `fonts/icons.txt`.", ""]
for name in names:
    constant = name.replace("-", "_").upper()
    lines += [f"/// `{name}`", f"pub const {constant}: char = '\\u{{{codes[name]:04x}}}';"]
(here.parent / "src/theme/glyph.rs").write_text("\n".join(lines) + "\n")
PYTHON
subset package/font/lucide.ttf icons.ttf '' "$(cat codes)"
cp root/usr/share/doc/fonts-inter/copyright "$here/LICENSE-Inter"
cp root/usr/share/doc/fonts-jetbrains-mono/copyright "$here/LICENSE-JetBrainsMono"
cp package/LICENSE "$here/LICENSE-Lucide"
cp root/usr/share/doc/fonts-noto-core/copyright "$here/more/LICENSE-Noto"
cp emoji/package/LICENSE "$here/more/LICENSE-Noto-Emoji"
cp root/usr/share/doc/fonts-droid-fallback/copyright "$here/more/LICENSE-Droid"
