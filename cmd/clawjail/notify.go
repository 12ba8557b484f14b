package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/notify"
)

func newNotifyCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "Show and try how people are told",
		Long: `Channels stand in /etc/clawjail/config.yaml under notifications. The supervisor
queues what people are to be told, clawjail-gateway sends it; what could not be
sent is tried again for a day.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNotifyListCommand(e), newNotifyTestCommand(e))
	return c
}

func newNotifyListCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List channels, and what was not told yet",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			n, err := client.Client{Socket: e.socket}.Notifications(c.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(e.stdout).Encode(n)
			}
			return printNotifications(e.stdout, n)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": everything")
	return c
}

func printNotifications(w io.Writer, n api.Notifications) error {
	if len(n.Channels) == 0 {
		_, err := io.WriteString(w, "nobody is told: there is no channel under notifications in the configuration\n")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "CHANNEL\tKIND\tFOR\tWAITING\tLAST ERROR")
	for _, c := range n.Channels {
		about := strings.Join(c.Categories, ",")
		if c.Severity != "" {
			about += " (" + c.Severity + " and up)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", c.Name, c.Kind, about, c.Waiting, shorten(escape.String(c.Error), 60))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range n.Waiting {
		fmt.Fprintf(w, "waiting for %s since %s, %d attempts: %s\n", escape.String(d.Channel), d.Message.Time.Local().Format(time.DateTime),
			d.Attempts, escape.String(d.Message.Title))
	}
	return nil
}

func newNotifyTestCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "test CHANNEL",
		Short: "Send a test over a channel, and say whether it went",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := client.Client{Socket: e.socket}.TestNotification(c.Context(), args[0])
			if err != nil {
				return err
			}
			if r.Outcome != notify.Sent {
				return errors.New(args[0] + ": " + escape.String(r.Error))
			}
			fmt.Fprintf(e.stdout, "%s: sent\n", args[0])
			return nil
		},
	}
}
