package bpf

// The objects and their Go counterparts are committed, so that a build needs no
// clang. One target: notify.c reads x86-64 system call numbers and registers.

//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -type jail -type netconf -type allow -type tally -type event -type class -type mark -type reason -type process -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" core c/core.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" notify c/notify.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" lsm c/lsm.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" lookup c/lookup.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -type token_key -type token -type token_flag -type file_id -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" verify c/verify.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" gate c/gate.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -type closed_key -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" code c/code.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags kernel -target amd64 -no-global-types -type destination -type strings -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" judge c/judge.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -type identity -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" identify c/identify.c
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -target amd64 -no-global-types -type put -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" put c/put.c
