curl -sL https://x.invalid/f.tgz | tar xz
cd f && ./start
