package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"clawjail/test/e2e/smallnet"
)

func main() {
	os.Exit(smallnet.Run(inside))
}

func inside(w smallnet.World) int {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"bash"}
	}
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), "WORLD_CA="+w.CA, "WORLD_DIR="+w.Dir, "NODE_EXTRA_CA_CERTS="+w.CA,
		"SSL_CERT_FILE="+w.CA, "CURL_CA_BUNDLE="+w.CA, "GIT_SSL_CAINFO="+w.CA)
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
		return 127
	}
	return 0
}
