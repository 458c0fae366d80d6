package manifests

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// renderings is the chart as Helm renders it, by the names of the sets of values. .ci/helm writes the files into the folder
// that RENDERED names; without it there are none, since Helm takes minutes to build.
func renderings(t *testing.T) map[string]string {
	t.Helper()
	rendered := os.Getenv("RENDERED")
	if rendered == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(rendered, "*.yaml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d renderings in %s, want 3, error %v", len(files), rendered, err)
	}
	texts := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimSuffix(filepath.Base(file), ".yaml")] = string(text)
	}
	return texts
}

// chart is one rendering. Without any, the test is skipped, or fails where nothing may be skipped.
func chart(t *testing.T, name string) string {
	t.Helper()
	all := renderings(t)
	if all == nil {
		const reason = "RENDERED names no folder: .ci/helm renders the chart and runs this test"
		if os.Getenv("REQUIRE_ALL") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	if all[name] == "" {
		t.Fatalf("there is no rendering %s.yaml", name)
	}
	return all[name]
}

// nameHash is the end of the name of a config map: kustomize and the chart hash the Caddyfile in different ways.
var nameHash = regexp.MustCompile(`\bshop-caddyfile-[0-9a-z]{10}\b`)

// objectsOf are the objects of a text as they are sent to the cluster, by kind and name.
func objectsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	objects := make(map[string]any)
	for _, document := range documents(nameHash.ReplaceAllString(text, "shop-caddyfile-HASH")) {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		var whole map[string]any
		strictly(t, document, &whole)
		objects[object.Kind+" "+object.Metadata.Name] = whole
	}
	return objects
}

// With its own values the chart gives the objects of the plain manifests, and nothing else. It leaves the namespace to kubectl.
func TestChartIsThePlainManifests(t *testing.T) {
	got := objectsOf(t, chart(t, "default"))
	want := objectsOf(t, kustomized(t))
	delete(want, "Namespace shop")
	if len(want) != 4 {
		t.Fatalf("the plain manifests have %d objects without the namespace, want 4", len(want))
	}
	for name := range want {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s differs. The chart:\n%s\nthe plain manifests:\n%s", name, asYAML(t, got[name]), asYAML(t, want[name]))
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("the chart alone has %s", name)
		}
	}
}

func asYAML(t *testing.T, object any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every value of the rendering "production" gets to its place, and nothing of the default stays.
func TestChartTakesValues(t *testing.T) {
	text := chart(t, "production")
	for _, old := range []string{"registry.example", "shop.example", ":8000", "uat", "1Gi", "256Mi", "ingress-nginx"} {
		if strings.Contains(text, old) {
			t.Errorf("%q is still there", old)
		}
	}
	c := parseCluster(t, readFile(t, folder+"/namespace.yaml"), text)
	pod := c.set.Spec.Template.Spec
	app, sidecar, claim := pod.Containers[0], c.sidecar(t), c.set.Spec.VolumeClaimTemplates[0].Spec
	for _, test := range []struct{ name, got, want string }{
		{"the app's image", app.Image, "images.cafe.example/cafe:7"},
		{"the sidecar's image", sidecar.Image, "images.cafe.example/sidecar@sha256:0123"},
		{"the app's memory", memory(app.Resources.Limits), "512Mi"},
		{"the sidecar's memory", memory(sidecar.Resources.Limits), "128Mi"},
		{"the store's size", claim.Resources.Requests.Storage().String(), "20Gi"},
		{"the namespace of the ingress", c.policy.Spec.Ingress[0].From[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"], "traefik"},
		{"the pull secret", pod.ImagePullSecrets[0].Name, "pull"},
		{"the last variable", app.Env[len(app.Env)-1].ValueFrom.SecretKeyRef.Name, "cafe-database"},
	} {
		if test.got != test.want {
			t.Errorf("%s is %q, want %q", test.name, test.got, test.want)
		}
	}
	if claim.StorageClassName == nil || *claim.StorageClassName != "fast" {
		t.Errorf("storage class %v", claim.StorageClassName)
	}
	if !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Secret != nil && v.Secret.SecretName == "galaxypay-production" }) {
		t.Errorf("no volume is of the secret: %+v", pod.Volumes)
	}
	caddyfile := c.caddyfile.Data["Caddyfile"]
	for line, count := range map[string]int{
		"environment production": 1, "reverse_proxy 127.0.0.1:3000": 3, "ipnURL https://cafe.example/galaxypay/ipn": 1,
		"URL https://cafe.example/galaxypay/result": 3,
	} {
		if got := strings.Count(caddyfile, line); got != count {
			t.Errorf("the Caddyfile has %q %d times, want %d:\n%s", line, got, count, caddyfile)
		}
	}
}

func memory(limits core.ResourceList) string {
	limit := limits[core.ResourceMemory]
	return (&limit).String()
}

// A Caddyfile of one's own stays as it is, under another name, and a rule for a database is the last one.
func TestChartTakesACaddyfile(t *testing.T) {
	c := parseCluster(t, readFile(t, folder+"/namespace.yaml"), chart(t, "own-caddyfile"))
	if got, want := c.caddyfile.Data["Caddyfile"], "# {{ no template }}\n"+readFile(t, folder+"/Caddyfile"); got != want {
		t.Errorf("the Caddyfile is:\n%s\nwant\n%s", got, want)
	}
	usual := parseCluster(t, readFile(t, folder+"/namespace.yaml"), chart(t, "default"))
	if c.caddyfile.Name == usual.caddyfile.Name {
		t.Errorf("two Caddyfiles have one name, %s: a changed one restarts nothing", c.caddyfile.Name)
	}
	rules := c.policy.Spec.Egress
	if len(rules) != 3 || !isDatabaseRule(rules[2]) {
		t.Errorf("egress %+v", rules)
	}
}

// isDatabaseRule says whether a rule is the one that .ci/helm adds: a database in the same namespace, and nothing else.
func isDatabaseRule(rule networking.NetworkPolicyEgressRule) bool {
	return reflect.DeepEqual(rule, networking.NetworkPolicyEgressRule{
		To:    []networking.NetworkPolicyPeer{{PodSelector: &meta.LabelSelector{MatchLabels: map[string]string{"app": "database"}}}},
		Ports: []networking.NetworkPolicyPort{{Protocol: new(core.ProtocolTCP), Port: new(intstr.FromInt32(5432))}},
	})
}
