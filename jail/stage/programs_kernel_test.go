//go:build kernel

package stage_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// programPath is where programs are that the test user can execute.
const programPath = "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin"

// installed says that the host has a program. Which ones it has is no feature
// of the kernel; bash is always needed.
func installed(program string) bool {
	for _, dir := range filepath.SplitList(programPath) {
		if st, err := os.Stat(filepath.Join(dir, program)); err == nil && st.Mode()&0o111 != 0 {
			return true
		}
	}
	return program == "bash"
}

// What agents run must work under the filter and Landlock. Real agents do so
// in the end-to-end tests.
func TestProgramsWork(t *testing.T) {
	const python = `
import asyncio, ctypes, multiprocessing, os, pty, socket, sqlite3, subprocess, tempfile, threading
def child(q): q.put(os.getpid())
async def net():
    s = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)
    r, w = await asyncio.open_connection(*s.sockets[0].getsockname())
    assert await r.read() == b''
    w.close(); s.close()
if __name__ == '__main__':
    for start in 'fork', 'spawn':
        c = multiprocessing.get_context(start); q = c.Queue()
        p = c.Process(target=child, args=(q,)); p.start(); assert q.get() == p.pid; p.join()
    threading.Thread(target=print).start()
    assert subprocess.run(['true']).returncode == 0
    asyncio.run(net())
    with tempfile.NamedTemporaryFile() as f:
        d = sqlite3.connect(f.name); d.execute('create table t(x)'); d.commit()
    assert socket.getaddrinfo('127.0.0.1', 80)
    m, s = pty.openpty(); assert os.isatty(s)
    a, b = socket.socketpair(); b.close()
    print('fine')
`
	const node = `
const {Worker, isMainThread} = require('worker_threads'), fs = require('fs'), os = require('os'), path = require('path');
const {execFileSync, spawn} = require('child_process'), http = require('http');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'n'));
fs.writeFileSync(dir + '/a', 'text'); fs.copyFileSync(dir + '/a', dir + '/b'); fs.renameSync(dir + '/b', dir + '/c');
fs.chmodSync(dir + '/c', 0o700); fs.watch(dir).close(); os.networkInterfaces(); os.cpus();
execFileSync('true');
const server = http.createServer((q, r) => r.end('hi')).listen(0, '127.0.0.1', () =>
  http.get({port: server.address().port, host: '127.0.0.1'}, r => { r.resume(); r.on('end', () => {
    server.close();
    new Worker('', {eval: true}).on('exit', () => spawn('true').on('exit', c => {
      fs.rmSync(dir, {recursive: true}); console.log(c === 0 ? 'fine' : 'broken'); }));
  }); }));
`
	for _, c := range []struct {
		program string
		// heavy ones take minutes on an emulated processor.
		heavy  bool
		script string
	}{
		{"python3", false, "cat > p.py <<'END'" + python + "END\npython3 p.py | grep -q fine"},
		{"node", true, "cat > n.js <<'END'" + node + "END\nnode n.js | grep -q fine"},
		{"git", false, `git init -q r && cd r && git config user.email a@example.com && git config user.name a &&
			echo x > f && git add f && git commit -q -m x && git gc -q && git clone -q . ../r2 && git worktree add -q ../r3 -b y`},
		{"gcc", false, `printf '#include <pthread.h>\n#include <stdio.h>\nvoid*f(void*a){return a;}int main(){pthread_t t;return pthread_create(&t,0,f,0)||pthread_join(t,0);}' > m.c &&
			gcc -O1 -pthread m.c -o m && ./m`},
		{"go", true, `export GOCACHE=$PWD/gc GOPATH=$PWD/gp GOFLAGS=-mod=mod; mkdir s && cd s && printf 'package main\nfunc main(){println(1)}' > m.go &&
			go mod init m 2>/dev/null && go build -o m . && ./m 2>&1 | grep -q 1`},
		{"tar", false, `mkdir d && echo x > d/f && ln -s f d/l && tar czf d.tgz d && tar xpzf d.tgz -C . && test -L d/l`},
		{"npm", true, `npm init -y >/dev/null && npm pack --silent >/dev/null && ls *.tgz`},
		{"perl", false, `perl -MSocket -e 'pipe(R,W); if(!fork){print W "fine"; exit 0} close W; wait; print <R>' | grep -q fine`},
		{"bash", false, `set -e; coproc cat; echo x >&${COPROC[1]}; read -r y <&${COPROC[0]}; test $y = x; sleep 0.01 & wait $!; diff <(echo a) <(echo a); kill $COPROC_PID`},
		{"find", false, `mkdir -p a/b && cp -a /etc/passwd a/b/ && find . -type f | xargs -n1 sha256sum && mv a c && touch -d yesterday c && install -m 755 c/b/passwd x && rm -r c`},
		{"tmux", false, `export TMUX_TMPDIR=$PWD SHELL=/bin/bash; tmux -L t -f /dev/null start-server \; set -g exit-empty off \; new-session -d 'echo fine > out; tmux -L t wait-for -S done' &&
			tmux -L t wait-for done && grep -q fine out; s=$?; tmux -L t kill-server; exit $s`},
		{"make", false, `printf 'all: a b\na b:\n\techo $@ > $@\n' > Makefile && make -j4 -s && test -f b`},
		{"curl", false, `curl -sS -m 5 http://127.0.0.1:1/ 2>&1 | grep -q 'refused\|connect'`},
		{"java", true, `echo 'class M{public static void main(String[] a)throws Exception{Thread t=new Thread(()->System.out.println("fine"));t.start();t.join();}}' > M.java && java M.java`},
	} {
		if !installed(c.program) || (c.heavy && os.Getenv("CLAWJAIL_TEST_VM") != "") {
			continue
		}
		t.Run(c.program, func(t *testing.T) {
			dir := ownDir(t)
			conf := config(t, dir, "bash", "-c", c.script)
			conf.Cwd = dir
			conf.Env[0] = "PATH=" + programPath
			l, _ := released(t, conf)
			late := time.AfterFunc(2*time.Minute, func() { l.cmd.Process.Kill() })
			defer late.Stop()
			if status := l.wait(t); status != 0 {
				t.Errorf("status %d\n%s\n%s", status, l.out.String(), l.errOut.String())
			}
		})
	}
}
