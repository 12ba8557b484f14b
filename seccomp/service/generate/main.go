package main

import (
	"fmt"
	"os"

	"clawjail/seccomp/compiler"
	"clawjail/seccomp/service"
)

func main() {
	for _, name := range service.Names() {
		if err := write(name); err != nil {
			fmt.Fprintf(os.Stderr, "generate: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func write(name string) error {
	rules, err := service.Rules(name)
	if err != nil {
		return err
	}
	filter, err := compiler.Compile(rules)
	if err != nil {
		return err
	}
	return os.WriteFile(name+".bpf", filter, 0o644)
}
