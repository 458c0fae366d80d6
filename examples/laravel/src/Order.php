<?php

namespace Galaxypay\Laravel;

use Illuminate\Database\Eloquent\Model;

/** An order of the shop. Its keys are kept with it, before anything is sent. */
class Order extends Model
{
    protected $table = 'galaxypay_orders';
    protected $keyType = 'string';
    protected $guarded = [];
    public $incrementing = false;
}
