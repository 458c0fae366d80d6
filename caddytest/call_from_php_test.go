package caddytest

import (
	"os/exec"
	"strings"
	"testing"
)

// Most of the gateway's merchants use PHP. Its json_encode writes \/ and \u followed by hex digits,
// and its own hash function is the judge here.
func TestCallFromPHP(t *testing.T) {
	php := requireProgram(t, "php")
	s := newSidecar(t, "validate off")
	const app = `
		$body = json_encode(["orderID" => "1", "orderDescription" => "Hồ Chí Minh <b>", "ipnURL" => "https://shop.example/ipn", "orderAmount" => 0.1]);
		$answer = file_get_contents($argv[1], false, stream_context_create(["http" => [
			"method" => "POST", "header" => "Content-Type: application/json\r\n", "content" => $body]]));
		echo $body, "\n", $answer, "\n";`
	//nolint:gosec // the program is PHP, and the script is above
	out, err := exec.CommandContext(t.Context(), php, "-r", app, "--", s.url("9180")+"/query").Output()
	if err != nil {
		t.Fatal(err)
	}
	posted, answer, _ := strings.Cut(string(out), "\n")
	if answer != paid+"\n" {
		t.Errorf("PHP got %s", answer)
	}
	got := s.gateway.only(t)
	if data := got.requestData(t); data != posted || !strings.Contains(data, `\/`) {
		t.Errorf("requestData %s, PHP posted %s", data, posted)
	}
	//nolint:gosec // the same
	hash := exec.CommandContext(t.Context(), php, "-r", `echo hash("sha256", stream_get_contents(STDIN).$argv[1]);`, "--", testSalt)
	hash.Stdin = strings.NewReader(got.body)
	digest, err := hash.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got.value("signature") != string(digest) {
		t.Errorf("signature %s, PHP's hash is %s", got.value("signature"), digest)
	}
}
