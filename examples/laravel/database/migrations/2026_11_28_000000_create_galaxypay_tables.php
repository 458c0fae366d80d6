<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::create('galaxypay_orders', function (Blueprint $table) {
            $table->string('id', 50)->primary();
            $table->bigInteger('amount');
            $table->string('currency', 3)->default('VND');
            $table->string('description');
            $table->string('status')->default('open'); // failed, paid, refunding, refunded, review
            $table->string('pay_key', 50); // kept before anything is sent
            $table->string('transaction_id', 50)->default('');
            $table->integer('handed_out')->default(0);
            $table->string('refund_key', 50)->default('');
            $table->integer('refunds_refused')->default(0);
            $table->timestamps();
        });
        // What the shop has taken about its orders. A message can come twice.
        Schema::create('galaxypay_messages', function (Blueprint $table) {
            $table->string('order_id', 50);
            $table->string('transaction_id', 50);
            $table->string('status', 20);
            $table->primary(['order_id', 'transaction_id', 'status']);
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('galaxypay_messages');
        Schema::dropIfExists('galaxypay_orders');
    }
};
