package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"clawjail/supervisor/gateway/auth/strength"
)

// judgeArg has this program say whether a password is too weak, for the command
// line, which does not link the word lists.
const judgeArg = "judge-password"

// judgePassword reads the password, and the words that who guesses would try
// first, as a list of texts in JSON.
func judgePassword(r io.Reader) error {
	var words []string
	if err := json.NewDecoder(io.LimitReader(r, 64<<10)).Decode(&words); err != nil {
		return fmt.Errorf("no password to judge: %w", err)
	}
	if len(words) == 0 {
		return errors.New("no password to judge")
	}
	return strength.Weak(words[0], words[1:]...)
}
