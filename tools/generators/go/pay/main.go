// Pay takes a payment through a sidecar, with the client that ogen generates from its description.
//
// Usage: pay http://localhost:9180
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/tools/generators/go/generated/ogenclient"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string) error {
	client, err := ogenclient.NewClient(address)
	if err != nil {
		return err
	}
	if err := refused(ctx, client); err != nil {
		return err
	}
	transactionID, endpoint, err := open(ctx, client)
	if err != nil {
		return err
	}
	fmt.Println("transaction", transactionID)
	if err := asCustomer(ctx, endpoint); err != nil {
		return err
	}
	return paid(ctx, client, transactionID)
}

// order is a payment of an amount.
func order(amount string) *ogenclient.PayRequest {
	now := time.Now().In(time.FixedZone("UTC+7", 7*60*60))
	return &ogenclient.PayRequest{
		OrderID:          ogenclient.NewStringPayRequestOrderID("OGEN-" + now.Format("20060102150405.000000")),
		OrderAmount:      ogenclient.NewStringPayRequestOrderAmount(amount),
		OrderCurrency:    "VND",
		OrderDateTime:    ogenclient.NewStringPayRequestOrderDateTime(now.Format("20060102150405")),
		OrderDescription: ogenclient.NewStringPayRequestOrderDescription("Cà phê sữa đá"),
		PaymentMethod:    ogenclient.PayRequestPaymentMethodDOMESTIC,
	}
}

// refused wants a problem, as the description has it.
func refused(ctx context.Context, client *ogenclient.Client) error {
	answer, err := client.Pay(ctx, order("109.000"), ogenclient.PayParams{})
	if err != nil {
		return err
	}
	problem, ok := answer.(*ogenclient.Problem422Headers)
	if !ok {
		return fmt.Errorf("an amount with a separator was answered with %T", answer)
	}
	errors := problem.Response.Errors
	if problem.Response.Outcome != ogenclient.ProblemOutcomeNotSent || len(errors) != 1 || errors[0].Field != "orderAmount" {
		return fmt.Errorf("an amount with a separator: %+v", problem.Response)
	}
	return nil
}

func open(ctx context.Context, client *ogenclient.Client) (transactionID, endpoint string, err error) {
	answer, err := client.Pay(ctx, order("109000"), ogenclient.PayParams{AcceptLanguage: ogenclient.NewOptString("vi")})
	if err != nil {
		return "", "", err
	}
	opened, ok := answer.(*ogenclient.PayAnswerHeaders)
	if !ok {
		return "", "", fmt.Errorf("pay was answered with %+v", answer)
	}
	return opened.Response.TransactionID, opened.Response.Endpoint, nil
}

// asCustomer pays on the sandbox's page, and is not sent back to a shop that is not there.
func asCustomer(ctx context.Context, endpoint string) error {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"outcome": {"success"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func paid(ctx context.Context, client *ogenclient.Client, transactionID string) error {
	request := &ogenclient.QueryRequest{TransactionID: ogenclient.NewStringQueryRequestTransactionID(transactionID)}
	answer, err := client.Query(ctx, request, ogenclient.QueryParams{})
	if err != nil {
		return err
	}
	found, ok := answer.(*ogenclient.QueryAnswerHeaders)
	if !ok {
		return fmt.Errorf("query was answered with %+v", answer)
	}
	amount, _ := found.Response.OrderAmount.Get()
	status, _ := found.GalaxypayPaymentStatus.Get()
	if status != ogenclient.GalaxypayPaymentStatusPaid || amount.String != "109000" {
		return fmt.Errorf("the payment is %q, of %q", status, amount.String)
	}
	fmt.Println("paid", amount.String)
	return nil
}
