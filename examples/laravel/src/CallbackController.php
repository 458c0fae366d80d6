<?php

namespace Galaxypay\Laravel;

use Illuminate\Http\Request;

class CallbackController
{
    public function ipn(Request $request, Payments $payments)
    {
        [$status, $description] = $payments->takeIpn(
            rawurldecode($request->header('Galaxypay-Order-Id', '')),
            rawurldecode($request->header('Galaxypay-Transaction-Id', '')),
            $request->header('Galaxypay-Payment-Status'),
            $request->json('responseData', []),
        );

        return response()->json(['ipnStatus' => $status, 'ipnDescription' => $description]);
    }

    /** Only a page: goods go by the IPN. The view "order" is the shop's own. */
    public function result(Request $request)
    {
        $order = Order::findOrFail(rawurldecode($request->header('Galaxypay-Order-Id', '')));

        return response()->view('order', [
            'order' => $order,
            'confirming' => $order->status === 'open' && in_array($request->header('Galaxypay-Payment-Status'), ['paid', 'pending'], true),
        ])->header('Cache-Control', 'no-store');
    }
}
