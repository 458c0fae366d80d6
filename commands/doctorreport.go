package commands

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/doctor"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// textReport is a report with its sentences in one language.
type textReport struct {
	OK bool `json:"ok"`
	doctor.Report
	Causes []textCause `json:"causes"`
	Looks  []textLook  `json:"looks,omitempty"`
	Notes  []string    `json:"notes,omitempty"`
}

type textCause struct {
	Name    string           `json:"name"`
	Changes doctor.Part      `json:"changes"`
	Detail  string           `json:"detail,omitempty"`
	About   string           `json:"about"`
	Do      string           `json:"do"`
	Code    []doctor.Snippet `json:"code"`
}

type textLook struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

func reportInOne(r doctor.Report, notes []language.Text, in language.Tag) textReport {
	one := textReport{OK: r.Proven, Report: r, Causes: []textCause{}}
	for _, c := range r.Causes {
		one.Causes = append(one.Causes, textCause{c.Name, c.Changes, c.Detail, c.About.In(in), c.Do.In(in), c.Code})
	}
	for _, l := range r.Looks {
		one.Looks = append(one.Looks, textLook{l.Name, l.About.In(in)})
	}
	for _, n := range notes {
		one.Notes = append(one.Notes, n.In(in))
	}
	return one
}

// prose writes lines in one language.
type prose struct {
	bytes.Buffer
	in language.Tag
}

func (p *prose) line(en, vi string, args ...any) {
	fmt.Fprintf(&p.Buffer, language.Both(en, vi).In(p.in)+"\n", args...)
}

// printReport prints first whether it fits and by which secret, then the cause, then what to change.
func printReport(w io.Writer, r *doctor.Report, notes []language.Text, in language.Tag) error {
	p := &prose{in: in}
	p.head(r)
	for i := range r.Causes {
		p.cause(&r.Causes[i], i, len(r.Causes))
	}
	p.differences(r)
	if len(r.OrElse) > 0 {
		p.line("The same signature comes of: %s.", "Cùng chữ ký này cũng có thể do: %s.", strings.Join(r.OrElse, ", "))
	}
	p.nothing(r)
	for _, note := range notes {
		p.line("Note: %s", "Lưu ý: %s", note.In(in))
	}
	_, err := p.WriteTo(w)
	return err
}

func (p *prose) head(r *doctor.Report) {
	switch {
	case r.Proven:
		p.line("IT FITS: the signature is that of the text with the secret of %s.", "KHỚP: chữ ký đúng là của văn bản này với khóa của %s.", r.Secret)
		if len(r.Causes) == 0 {
			p.line("If your program says otherwise, look at its comparison: text with bytes, blanks around it, upper and lower case.",
				"Nếu chương trình của bạn báo khác, hãy xem phép so sánh: chuỗi với byte, khoảng trắng thừa, chữ hoa chữ thường.")
		}
	case len(r.Causes) > 0:
		p.line("IT DOES NOT FIT, and the cause is certain.", "KHÔNG KHỚP, và nguyên nhân là chắc chắn.")
		if r.Secret != "" {
			p.line("Signed with the secret of: %s", "Được ký bằng khóa của: %s", r.Secret)
		}
	default:
		p.line("IT DOES NOT FIT, and no known mistake explains it.", "KHÔNG KHỚP, và không lỗi đã biết nào giải thích được.")
	}
	if r.TextSHA256 == "" {
		p.line("The text: %d bytes", "Văn bản: %d byte", r.Bytes)
		return
	}
	p.line("The text: %d bytes, SHA-256 without a salt %s", "Văn bản: %d byte, SHA-256 không có salt %s", r.Bytes, r.TextSHA256)
}

func (p *prose) cause(c *doctor.Cause, index, of int) {
	p.WriteByte('\n')
	if of > 1 {
		p.line("Cause %d of %d, %s: %s", "Nguyên nhân %d trên %d, %s: %s", index+1, of, c.Name, c.About.In(p.in))
	} else {
		p.line("Cause, %s: %s", "Nguyên nhân, %s: %s", c.Name, c.About.In(p.in))
	}
	if c.Detail != "" {
		p.line("What fits: %s", "Trường hợp khớp: %s", c.Detail)
	}
	p.line("What to change: %s", "Cần sửa: %s", c.Do.In(p.in))
	for _, s := range c.Code {
		fmt.Fprintf(&p.Buffer, "  %-7s %s\n", s.Language, s.Code)
	}
}

func (p *prose) differences(r *doctor.Report) {
	if d := r.Difference; d != nil {
		p.line("\nThe texts differ from byte %d on (counted from 0).", "\nHai văn bản khác nhau từ byte %d (đếm từ 0).", d.Offset)
		if len(r.Causes) > 0 {
			p.line("  signed: %s (%d bytes)", "  đã ký:   %s (%d byte)", shownOrEnd(d.Signed, p.in), d.SignedBytes)
		} else {
			p.line("  other:  %s (%d bytes)", "  bản kia: %s (%d byte)", shownOrEnd(d.Signed, p.in), d.SignedBytes)
		}
		p.line("  given:  %s (%d bytes)", "  đưa vào: %s (%d byte)", shownOrEnd(d.Given, p.in), d.GivenBytes)
	}
	if d := r.SaltDifference; d != nil {
		p.line("\nThe salt that signed has %d bytes, the given one %d.", "\nSalt đã ký có %d byte, salt đưa vào có %d byte.", d.SignedBytes, d.GivenBytes)
		if d.Before != "" {
			p.line("  at the beginning, the longer one has %s", "  ở đầu, salt dài hơn có %s", d.Before)
		}
		if d.After != "" {
			p.line("  at the end, the longer one has %s", "  ở cuối, salt dài hơn có %s", d.After)
		}
	}
}

func shownOrEnd(bytes string, in language.Tag) string {
	if bytes == "" {
		return language.Both("the end", "hết").In(in)
	}
	return bytes
}

// nothing says what was tried where nothing fits.
func (p *prose) nothing(r *doctor.Report) {
	if len(r.Causes) > 0 || r.Proven {
		return
	}
	for _, l := range r.Looks {
		p.line("Look, %s: %s", "Hãy xem, %s: %s", l.Name, l.About.In(p.in))
	}
	if r.Tried.Combinations == 0 {
		p.line("\nNothing was tried: the signature is none that could be compared.", "\nChưa thử gì: chữ ký không thể đem so sánh.")
		return
	}
	pairs := language.Both("alone and in pairs", "riêng lẻ và theo cặp")
	if !r.Tried.Pairs {
		pairs = language.Both("alone, and not in all pairs", "riêng lẻ, chưa hết các cặp")
	}
	p.line("\nTried %s, %d combinations: %s.", "\nĐã thử %s, %d tổ hợp: %s.", pairs.In(p.in), r.Tried.Combinations, strings.Join(r.Tried.Mistakes, ", "))
	p.line("Not tried: what is not here. Give the salts of other merchants and environments (--other-salt, --previous-salt, --api-key), and the text as the other side has it (--other-text). The clock is never the cause.",
		"Chưa thử: những gì không có ở đây. Hãy đưa thêm salt của merchant và môi trường khác (--other-salt, --previous-salt, --api-key) và văn bản như bên kia có (--other-text). Đồng hồ không bao giờ là nguyên nhân.")
}
