package describe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// Markdown returns the reference page of the catalogue, docs/operations.md.
func Markdown() string {
	var p page
	p.line(introduction)
	p.contents()
	for _, o := range operation.All() {
		p.operation(&o)
	}
	p.line("## Objects\n\nThe same in every operation that takes them. Merchants may have forms of their own: other fields pass.\n")
	for _, f := range sharedObjects(operation.All()) {
		p.object(&f)
	}
	p.line("## Code lists\n\nAlso `GET /codes` and `GET /codes/{list}`, as JSON.\n")
	for _, list := range operation.Lists() {
		p.list(&list)
	}
	return strings.TrimRight(p.String(), "\n") + "\n"
}

const introduction = `# Operations

<!-- Generated from the catalogue in operation/. To write it: go test ./operation/describe -run TestReferencePage -update -->

Every operation of the gateway that the sidecar has in its catalogue, with its fields and codes; the same data validates requests and makes
` + "`/openapi.json`" + `. Mọi thao tác của cổng thanh toán mà sidecar biết, cùng các trường và mã.

How to read the tables:

| kind | a value | giá trị |
|---|---|---|
| text | text; a number means the same | chuỗi; số có nghĩa như nhau |
| amount | a decimal of zero or more, as number or text; see below | số thập phân không âm, dạng số hoặc chuỗi; xem bên dưới |
| integer | digits, as number or text | chữ số, dạng số hoặc chuỗi |
| time | ` + "`yyyyMMddHHmmss`" + `, as number or text | dạng số hoặc chuỗi |
| flag | ` + "`true` or `false`" + `, as boolean or text | dạng boolean hoặc chuỗi |
| url | an http or https address | địa chỉ http hoặc https |
| link | any absolute address, an app's own scheme too | địa chỉ tuyệt đối bất kỳ, kể cả của ứng dụng di động |
| object, array | JSON objects and arrays | đối tượng và mảng JSON |

- **amounts** have no separators, no sign and no exponent. ` + "`109.000`, `109,000`, `109 000` and `1e5`" + ` are refused, with what was probably meant in
  the answer. How many digits may follow the point is what ISO 4217 says of the currency. VND and others without a minor unit have no fraction;
  ` + "`109000.0` and `109000.00`" + ` pass. A code that ISO 4217 does not have gets two digits. Letter case does not count. Where an operation lists ` + "`orderCurrency`" + ` and it is missing, or where it is
  not three letters, the rule of VND holds. ` + "`void`" + `, ` + "`capture`" + ` and others without an ` + "`orderCurrency`" + ` are about a payment:
  the currency that the ledger has of it counts, else two digits pass. The rule holds for every field whose name ends with ` + "`Amount`" + `, also where an operation
  does not list it. An amount in an object with a currency of its own goes by that. ` + "`orderAmount`" + ` must be more than 0;
  other amounts may be 0. The text that the app sends is what the gateway gets: ` + "`109000.00`" + ` may come back as ` + "`109000`" + `, so compare by value.
- **Số tiền** không có dấu phân cách, dấu âm hay số mũ. VND không có phần thập phân (chỉ chấp nhận ` + "`.0` và `.00`" + `); tiền tệ khác theo ISO 4217.
  ` + "`orderAmount`" + ` phải lớn hơn 0. Hãy so sánh số tiền theo giá trị, không theo chuỗi.
- **length**: the most characters; of an amount, digits.
- **required**: "added" means that the sidecar adds the field, with that value, where it is left out. A field that is null or
  empty counts as left out. Of an answer: the documents promise the field.
- **values**: a closed list, or links to the codes that the gateway's documents list.
- **Disputed**: where the documents contradict each other or are silent, the sidecar lets the field pass and the gateway decides.
- **secret** fields hold card data or tokens, and appear in no log.
- Fields that are not listed pass.
`

// page is a Markdown text in the making.
type page struct{ strings.Builder }

// line writes a paragraph, a heading or a row.
func (p *page) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	p.WriteString(format)
	p.WriteByte('\n')
}

func (p *page) contents() {
	p.line("| operation | | |\n|---|---|---|")
	for _, o := range operation.All() {
		p.line("| %s | %s | %s |", link(o.Name), cell(o.Title.En), cell(o.Title.Vi))
	}
	p.line("")
}

func (p *page) operation(o *operation.Operation) {
	p.line("## %s\n", o.Name)
	p.line("**%s** · **%s**\n", o.Title.En, o.Title.Vi)
	unpublished := ""
	if o.PathUnpublished {
		unpublished = " (**unpublished**: the documents name no address, this one follows its siblings; see the option `path`)"
	}
	p.line("`POST /%s`, at the gateway `POST %s`%s.\n", o.Name, o.Path, unpublished)
	p.line("%s\n\n%s\n", o.About.En, o.About.Vi)
	if o.Effect == operation.Reads {
		p.line("It only reads, so the sidecar may send it a second time.\n")
	}
	p.line("Source: %s.\n", o.Source)
	p.table("field of the request", o.Request)
	p.example("Example", o.Example)
	if len(o.Response) == 0 {
		p.line("The documents list no fields of the answer.\n")
	} else {
		p.table("field of the answer", o.Response)
	}
	p.example("Answer", o.Answer)
	p.example("Answer of the sandbox; none is published", o.SandboxAnswer)
}

// table writes the rows of fields under a heading.
func (p *page) table(heading string, fields []operation.Field) {
	p.line("| %s | kind | length | required | values | meaning | ý nghĩa |\n|---|---|---|---|---|---|---|", heading)
	p.rows(fields)
	p.line("")
}

// rows writes fields and, where those have no section of their own, what is inside them.
func (p *page) rows(fields []operation.Field) {
	for i := range fields {
		f := &fields[i]
		p.line("| `%s` | %s | %s | %s | %s | %s | %s |",
			f.Name, kindInWords(f), maxInWords(f), requiredInWords(f), valuesInWords(f), meaning(f), cell(f.Vi))
		if !isShared(f) {
			p.rows(f.Fields)
		}
	}
}

func (p *page) example(title string, text json.RawMessage) {
	if text == nil {
		return
	}
	var indented bytes.Buffer
	_ = json.Indent(&indented, text, "", "  ") // read once, as a part of the catalogue
	p.line("%s:\n\n```json\n%s\n```\n", title, indented.String())
}

func (p *page) object(f *operation.Field) {
	p.line("### %s\n\n%s %s\n", f.Name, f.En, f.Vi)
	p.table("field", f.Fields)
}

func (p *page) list(l *operation.List) {
	p.line("### %s\n\n%s · %s\n", l.Name, l.En, l.Vi)
	if l.Closed {
		p.line("The list is complete.\n")
	} else {
		p.line("The gateway may take others.\n")
	}
	p.line("| code | | |\n|---|---|---|")
	for _, c := range l.Codes {
		p.line("| `%s` | %s | %s |", c.Code, cell(c.En), cell(c.Vi))
	}
	p.line("")
}

func kindInWords(f *operation.Field) string {
	kind := string(f.Kind)
	if isShared(f) {
		kind = fmt.Sprintf("[%s](#%s)", kind, strings.ToLower(f.Name))
	}
	if f.Secret {
		kind += ", secret"
	}
	return kind
}

func maxInWords(f *operation.Field) string {
	if f.Max == 0 {
		return ""
	}
	return strconv.Itoa(f.Max)
}

func requiredInWords(f *operation.Field) string {
	switch {
	case f.Fixed != "":
		return "added: `" + f.Fixed + "`"
	case f.Required:
		return "yes"
	case f.When != nil:
		return conditionInWords(f.When)
	}
	return ""
}

func valuesInWords(f *operation.Field) string {
	var values []string
	for _, v := range f.Values {
		values = append(values, "`"+v+"`")
	}
	for _, name := range f.Lists {
		values = append(values, link(name))
	}
	return strings.Join(values, ", ")
}

// meaning is the field in English, with what the documents disagree about.
func meaning(f *operation.Field) string {
	text := cell(f.En)
	if f.Disputed != "" {
		text += " **Disputed:** " + cell(f.Disputed)
	}
	return text
}

// link points to a heading of the page.
func link(heading string) string { return fmt.Sprintf("[%s](#%s)", heading, strings.ToLower(heading)) }

// cell keeps a text inside its table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
