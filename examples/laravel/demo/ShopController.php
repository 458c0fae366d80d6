<?php

namespace Demo;

use Galaxypay\Laravel\Order;
use Galaxypay\Laravel\Payments;
use Illuminate\Http\Request;

class ShopController
{
    private const AMOUNT = 109000;
    private const DESCRIPTION = 'Cà phê sữa đá';

    public function home()
    {
        return view('home', ['description' => self::DESCRIPTION]);
    }

    public function buy(Request $request, Payments $payments)
    {
        $id = $request->input('order');
        $order = $id === null ? $payments->newOrder(self::AMOUNT, self::DESCRIPTION) : Order::findOrFail($id);
        $endpoint = $order->status === 'open' ? $payments->pay($order) : null;

        return redirect()->away($endpoint ?? url("/orders/{$order->id}"), 303);
    }

    public function show(Order $order)
    {
        return response()->view('order', ['order' => $order, 'confirming' => false])->header('Cache-Control', 'no-store');
    }

    /** For your staff: your shop's login belongs here. */
    public function refund(Request $request, Payments $payments)
    {
        $password = config('services.staff_password');
        if (empty($password) || $request->input('password') !== $password) {
            return response('Only for staff. Start the shop with STAFF_PASSWORD.', 403);
        }
        $order = Order::findOrFail($request->input('order'));
        $payments->refund($order);

        return redirect("/orders/{$order->id}", 303);
    }
}
