package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/test/e2e/smallnet"
)

// workerMain does one kind of work n times and prints nanoseconds on stdout.
func workerMain(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bench worker KIND N")
		return 2
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	work, known := works()[args[0]]
	if !known {
		fmt.Fprintf(os.Stderr, "no work is called %q\n", args[0])
		return 2
	}
	if os.Getenv(floorVariable) != "" {
		if err := restrict(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	before := consumed()
	took, err := measured(args[0], work, n)
	if err != nil {
		fmt.Fprintf(os.Stderr, "worker %s: %v\n", args[0], err)
		return 1
	}
	fmt.Println(took.Nanoseconds(), (consumed() - before).Nanoseconds())
	return 0
}

// batches is how often work that never waits is measured.
const batches = 50

// measured is how long the work took. What never waits for anybody is measured
// in batches and by the thread's processor time, and the least one counts:
// other work on the machine only ever adds to it.
func measured(kind string, work func(int) error, n int) (time.Duration, error) {
	switch kind {
	case "check-median":
		return medianCheck(n)
	case "open", "getpid", "stat", "connect":
	default:
		start := time.Now()
		err := work(n)
		return time.Since(start), err
	}
	runtime.LockOSThread()
	least := time.Duration(math.MaxInt64)
	for range batches {
		start := spent()
		if err := work(n / batches); err != nil {
			return 0, err
		}
		least = min(least, spent()-start)
	}
	return least * batches, nil
}

// consumed is the processor time of this process and those of its children that
// have ended.
func consumed() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var ru unix.Rusage
		_ = unix.Getrusage(who, &ru)
		sum += time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	return sum
}

// spent is the processor time of the calling thread.
func spent() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

func works() map[string]func(int) error {
	return map[string]func(int) error{
		"exec": workExec, "open": workOpen, "write": workWrite, "getpid": workGetpid, "stat": workStat,
		"connect": workConnect, "build": workBuild, "tls": workTLS, "bulk": workBulk, "spin": workSpin,
		"cut": workCut, "ask": workAsk, "checks": workChecks, "check-median": nil, // measures itself
	}
}

// workExec is a shell's loop over /bin/true.
func workExec(n int) error {
	return exec.Command("sh", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do /bin/true; i=$((i+1)); done", n)).Run()
}

func workOpen(n int) error {
	for range n {
		fd, err := unix.Open("/usr/bin/env", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

func workWrite(n int) error {
	for range n {
		fd, err := unix.Open("bench.out", unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

func workGetpid(n int) error {
	for range n {
		unix.Getpid()
	}
	return nil
}

func workStat(n int) error {
	var st unix.Stat_t
	for range n {
		if err := unix.Stat("/usr/bin/env", &st); err != nil {
			return err
		}
	}
	return nil
}

// workConnect dials a closed port of the loopback.
func workConnect(n int) error {
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: 1, Addr: [4]byte{127, 0, 0, 1}})
		_ = unix.Close(fd)
		if !errors.Is(err, unix.ECONNREFUSED) {
			return fmt.Errorf("connect: %w", err)
		}
	}
	return nil
}

// workBuild compiles 50 C files, n times.
func workBuild(n int) error {
	for range n {
		for i := range 50 {
			c := exec.Command("gcc", "-O1", "-c", "-o", fmt.Sprintf("obj%d.o", i), fmt.Sprintf("src%d.c", i))
			if out, err := c.CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
		}
	}
	return nil
}

// workTLS makes n new connections and one request on each.
func workTLS(n int) error {
	for range n {
		c, err := tls.Dial("tcp", smallnet.NameWeb+":443", nil)
		if err != nil {
			return err
		}
		_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+smallnet.NameWeb+"\r\nConnection: close\r\n\r\n")
		if err == nil {
			_, err = io.Copy(io.Discard, c)
		}
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
	return nil
}

// workBulk reads n MiB over one connection.
func workBulk(n int) error {
	client := http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, ReadBufferSize: 256 << 10}}
	resp, err := client.Get(fmt.Sprintf("http://%s/bytes/%d", smallnet.NameWeb, n<<20))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{resp.Body}, make([]byte, 256<<10))
	if err == nil && got != int64(n)<<20 {
		err = fmt.Errorf("%d bytes of %d", got, n<<20)
	}
	return err
}

// workSpin is n processes that burn the processor until they are killed.
func workSpin(n int) error {
	for range n {
		if err := exec.Command("sh", "-c", "while :; do :; done").Start(); err != nil {
			return err
		}
	}
	fmt.Println("spinning")
	select {}
}
