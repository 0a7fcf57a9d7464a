#!/usr/bin/env bash
# Makes sure that this machine can compile to WebAssembly, and prints the environment that cargo needs for it, a line for
# each variable; nothing where it needs none. Safe to repeat, and quick when everything is there.
#
# Through rustup where that works: its target is a part of the toolchain that is installed anyway. Where rustup is not the
# one who installed Rust, or cannot download it, Debian's own Rust for the web is unpacked below target/web-toolchain, where
# it concerns nobody else, and its standard library is built from its source once (two minutes, 1 GB).
#
#   WEB_TOOLCHAIN=debian  goes the second way at once
source "$(dirname "$0")/lib.sh"

need_rust >&2
target=wasm32-unknown-unknown
here=$PWD/target/web-toolchain
usr=$here/root/usr

# Whether a compiler has the target's standard library.
has_target() { [ -n "$(find "$1/lib/rustlib/$target/lib" -name 'libstd-*.rlib' 2>/dev/null)" ]; }

if [ "${WEB_TOOLCHAIN:-}" != debian ]; then
  if has_target "$(rustc --print sysroot)"; then exit 0; fi
  if command -v rustup >/dev/null; then
    say "the WebAssembly target is missing: adding it with rustup" >&2
    # Its own output is for the log only: there is another way.
    if rustup target add $target >&2 && has_target "$(rustc --print sysroot)"; then exit 0; fi
    say "rustup cannot add it: taking Debian's Rust for the web" >&2
  fi
fi

if [ ! -e "$here/ready" ]; then
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    die "the WebAssembly target is missing: run 'rustup target add $target', then repeat"
  fi
  if [ "$(id -u)" = 0 ]; then apt-get update -qq >&2 || true; fi
  std=$(apt-cache depends libstd-rust-web-dev 2>/dev/null | grep -oE 'libstd-rust-web-[0-9.]+' | tail -n 1 || true)
  if [ -z "$std" ]; then
    die "the WebAssembly target is missing, and Debian's package rustc-web is not known here (it is in bookworm-security):" \
      "run 'rustup target add $target', or 'sudo apt-get update', then repeat"
  fi
  llvm=$(apt-cache depends "$std" | grep -oE 'libllvm[0-9]+' | head -n 1)
  say "downloading and unpacking rustc-web into target/web-toolchain" >&2
  rm -rf "$here"
  mkdir -p "$here/debs" "$here/root"
  (cd "$here/debs" && apt-get download -qq rustc-web "$std" libstd-rust-web-dev rust-web-src ${llvm:+"$llvm"} >&2) ||
    die "the packages cannot be downloaded: run 'sudo apt-get update', then repeat"
  for deb in "$here"/debs/*.deb; do dpkg-deb -x "$deb" "$here/root"; done
  rm -rf "$here/debs"
  # Its linker for WebAssembly is the one that comes with every Rust of rustup's; Debian's is a package of its own.
  host=$(rustc -vV | sed -n 's/^host: //p')
  linker=$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld
  [ -x "$linker" ] || linker=$(command -v wasm-ld || command -v rust-lld || true)
  [ -n "$linker" ] || die "a linker for WebAssembly is missing. On Debian: sudo apt-get install lld"
  for library in "$usr"/lib/*-linux-gnu/lib*.so*; do
    ln -sf "$(basename "$(dirname "$library")")/$(basename "$library")" "$usr/lib/"
  done
  mkdir -p "$usr/lib/rustlib/$host/bin"
  ln -sf "$linker" "$usr/lib/rustlib/$host/bin/rust-lld"
  # A compiler that finds its own libraries wherever the folder is.
  cat >"$here/rustc" <<'WRAPPER'
#!/bin/sh
folder=$(dirname "$0")
usr=$folder/root/usr
LD_LIBRARY_PATH=$usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$usr/bin/rustc" "$@"
WRAPPER
  chmod +x "$here/rustc"
  "$here/rustc" --version >&2 || die "Debian's Rust for the web does not run here"

  say "building the standard library for WebAssembly (once)" >&2
  mkdir -p "$here/std/src"
  printf '[package]\nname = "nothing"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$here/std/Cargo.toml"
  printf '#![no_std]\n' >"$here/std/src/lib.rs"
  (cd "$here/std" && RUSTC=$here/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$here/std/target \
    cargo build --release -Zbuild-std=std,panic_abort --target $target >&2) ||
    die "the standard library for WebAssembly cannot be built (above)"
  mkdir -p "$usr/lib/rustlib/$target/lib"
  for rlib in "$here/std/target/$target"/release/deps/lib*.rlib; do
    case $rlib in */libnothing-*) ;; *) cp "$rlib" "$usr/lib/rustlib/$target/lib/" ;; esac
  done
  rm -rf "$here/std"
  touch "$here/ready"
fi
echo "RUSTC=$here/rustc"
